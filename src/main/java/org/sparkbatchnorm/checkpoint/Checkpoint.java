package org.sparkbatchnorm.checkpoint;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.layer.BatchNormParameters;

/**
 * The BatchNorm layers of a model, by name, and metadata. Immutable.
 *
 * <p>Reading a file checks its form; whether the values can be evaluated is checked where they are
 * asked for: a checkpoint with a NaN variance can be looked at but not evaluated. A checkpoint that
 * was read remembers its file for such messages; equality leaves it out.
 */
public final class Checkpoint {
  private static final int LISTED = 10;
  private static final String IN_MEMORY = "checkpoint in memory";
  private static final Pattern DECIMAL =
      Pattern.compile("[0-9]{1,400}(\\.[0-9]{1,400})?([eE][-+]?[0-9]{1,9})?");

  private final String file;
  private final Map<String, CheckpointLayer> layers;
  private final Map<String, String> metadata;

  private Checkpoint(
      String file, Map<String, CheckpointLayer> layers, Map<String, String> metadata) {
    this.file = file;
    this.layers = Collections.unmodifiableMap(new LinkedHashMap<>(layers));
    this.metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
  }

  /**
   * A checkpoint of these layers, in the map's order. A bare module is a layer with an empty name.
   *
   * @param metadata any strings; {@link MetadataKeys} has the keys that mean something
   */
  public static Checkpoint of(Map<String, CheckpointLayer> layers, Map<String, String> metadata) {
    return new Checkpoint(IN_MEMORY, layers, metadata);
  }

  /** A checkpoint that was read from a file. */
  static Checkpoint read(
      String file, Map<String, CheckpointLayer> layers, Map<String, String> metadata) {
    return new Checkpoint(file, layers, metadata);
  }

  /** The layers in their order. */
  public Map<String, CheckpointLayer> layers() {
    return layers;
  }

  /** The metadata, sorted by key. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /**
   * The layer of this name.
   *
   * @throws MalformedFileException LAYER_MISSING, naming layers that are there
   */
  public CheckpointLayer layer(String name) throws MalformedFileException {
    CheckpointLayer layer = layers.get(name);
    if (layer == null) {
      String known =
          layers.keySet().stream()
              .limit(LISTED)
              .map(there -> "'" + there + "'")
              .collect(Collectors.joining(", "));
      throw malformed(
          MalformedFileException.NO_OFFSET,
          "LAYER_MISSING",
          "no layer '"
              + name
              + "', expected one of "
              + known
              + (layers.size() > LISTED ? ", ... (" + layers.size() + " layers)" : ""));
    }
    return layer;
  }

  /**
   * The epsilon that the metadata record under {@link MetadataKeys#EPSILON}; empty if they do not.
   *
   * @throws MalformedFileException METADATA if it is not a finite decimal number of at least 0
   */
  public OptionalDouble epsilon() throws MalformedFileException {
    return epsilonUnder(MetadataKeys.EPSILON);
  }

  /**
   * The epsilon that the metadata record for a layer, or for all of them; empty if they do not.
   *
   * @throws MalformedFileException METADATA if it is not a finite decimal number of at least 0
   */
  public OptionalDouble epsilon(String layerName) throws MalformedFileException {
    OptionalDouble own = epsilonUnder(MetadataKeys.epsilonOf(layerName));
    return own.isPresent() ? own : epsilon();
  }

  private OptionalDouble epsilonUnder(String key) throws MalformedFileException {
    String text = metadata.get(key);
    if (text == null) {
      return OptionalDouble.empty();
    }
    if (DECIMAL.matcher(text).matches()) {
      double epsilon = Double.parseDouble(text);
      if (epsilon < Double.POSITIVE_INFINITY) {
        return OptionalDouble.of(epsilon);
      }
    }
    throw malformed(
        MalformedFileException.NO_OFFSET,
        "METADATA",
        key + " must be a finite decimal number of at least 0, found '" + text + "'");
  }

  /**
   * The layer of this name, to be applied: with its scale and shift.
   *
   * @throws MalformedFileException LAYER_MISSING; AFFINE_UNKNOWN if the file has a gamma or a beta
   *     without saying which
   */
  public CheckpointLayer affineLayer(String layerName) throws MalformedFileException {
    CheckpointLayer layer = layer(layerName);
    if (layer.isAffineUnknown()) {
      throw malformed(
          layer.meanOffset(),
          "AFFINE_UNKNOWN",
          "layer '"
              + layerName
              + "' has a gamma or a beta, and nothing in the file says which; a .keras file does for"
              + " layers outside of blocks of the user's own");
    }
    return layer;
  }

  /**
   * What evaluation needs of a layer.
   *
   * @param epsilon what is added to the variance: the user's, else {@link #epsilon}, else the
   *     convention's
   * @throws MalformedFileException LAYER_MISSING; AFFINE_UNKNOWN if the file has a gamma or a beta
   *     without saying which; VARIANCE if a running variance is NaN or negative, or 0 together with
   *     epsilon; MEAN if a running mean is not finite
   * @throws IllegalArgumentException if epsilon is negative or not finite
   */
  public BatchNormParameters parameters(String layerName, double epsilon)
      throws MalformedFileException {
    CheckpointLayer layer = affineLayer(layerName);
    double[] mean = layer.mean();
    double[] variance = layer.variance();
    for (int channel = 0; channel < mean.length; channel++) {
      if (!(variance[channel] >= 0) || variance[channel] + epsilon == 0) {
        throw malformed(
            layer.varianceOffset(),
            "VARIANCE",
            "running variance of channel "
                + channel
                + " is "
                + variance[channel]
                + (variance[channel] == 0 ? " and so is epsilon" : ", expected at least 0")
                + ", in layer '"
                + layerName
                + "'");
      }
      if (!Double.isFinite(mean[channel])) {
        throw malformed(
            layer.meanOffset(),
            "MEAN",
            "running mean of channel "
                + channel
                + " is "
                + mean[channel]
                + ", expected a finite number, in layer '"
                + layerName
                + "'");
      }
    }
    BatchNormParameters parameters = BatchNormParameters.of(mean, variance, epsilon);
    if (layer.gamma().isPresent()) {
      parameters = parameters.withGamma(layer.gamma().get());
    }
    if (layer.beta().isPresent()) {
      parameters = parameters.withBeta(layer.beta().get());
    }
    return parameters;
  }

  private MalformedFileException malformed(long offset, String code, String reason) {
    return new MalformedFileException(file, offset, code, reason);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Checkpoint that
        && layers.equals(that.layers)
        && metadata.equals(that.metadata);
  }

  @Override
  public int hashCode() {
    return layers.hashCode() * 31 + metadata.hashCode();
  }

  @Override
  public String toString() {
    return file + ": " + layers.size() + " layers";
  }
}
