package org.sparkbatchnorm.job;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.Model;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.checkpoint.Naming;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.Convention.Momentum;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.storage.Publication;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.DType;

/**
 * Puts the BatchNorm layers of a checkpoint or model into a new checkpoint, of another format or
 * convention. What the numbers mean stays the same: where one convention keeps unbiased variances
 * and the other biased ones, each is multiplied by n / (n - 1) or its inverse. No Spark.
 *
 * @param input path or URI of any file that holds layers
 * @param output where the checkpoint goes; its name says the format
 * @param convention to convert to; empty for the input's own
 * @param dtype of the values; empty for the widest of the input's
 * @param overwrite whether it may replace a file
 */
public record Conversion(
    String input,
    String output,
    Optional<Convention> convention,
    Optional<DType> dtype,
    Overwrite overwrite) {

  /**
   * Reads, converts and writes.
   *
   * @return what was written, and what is another for whoever uses it, a line each
   * @throws JobSpecException if a name says no format, or one that new checkpoints cannot have
   * @throws OutputExistsException if the output exists and may not be replaced
   * @throws MalformedFileException if the input is bad; COUNT_UNKNOWN if the variances must be
   *     multiplied, and how many values they come from is not known
   * @throws CommitException if the output could not be written
   */
  public List<String> run(Storage storage)
      throws OutputExistsException, MalformedFileException, CommitException {
    ModelFormat from =
        ModelFormat.ofPath(input).orElseThrow(() -> unexpected(input, ModelFormat.allSuffixes()));
    ModelFormat to =
        ModelFormat.ofPath(output)
            .filter(ModelFormat::isWritable)
            .orElseThrow(() -> unexpected(output, ModelFormat.newSuffixes()));
    Publication publication = storage.publication(output, overwrite);
    publication.requirePossible();
    String file = StoredFile.display(input);
    Checkpoint read = Model.read(storage, input, from);
    Convention source = RecordedConvention.of(file, read, from);
    Convention target = convention.orElse(source);
    Map<String, Provenance> recorded = Provenance.of(file, read);
    VarianceKindChange change = VarianceKindChange.of(file, read, source, recorded);
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    for (Map.Entry<String, CheckpointLayer> layer : read.layers().entrySet()) {
      layers.put(
          layer.getKey(),
          Provenance.withMiniBatches(
              change.to(target.runningVariance(), layer.getKey(), layer.getValue()),
              layer.getKey(),
              recorded));
    }
    DType stored = dtype.orElseGet(() -> widest(read));
    double epsilon = read.epsilon().orElse(source.epsilon());
    Map<String, String> metadata = new TreeMap<>(read.metadata());
    metadata.put(MetadataKeys.FORMAT, MetadataKeys.PYTORCH);
    metadata.put(MetadataKeys.CONVENTION, target.word());
    metadata.put(MetadataKeys.EPSILON, Double.toString(epsilon));
    change
        .estimatorAfter(target.runningVariance())
        .ifPresent(estimator -> metadata.put(MetadataKeys.ESTIMATOR, estimator));
    List<String> epsilons = EpsilonLines.of(read, source, target);
    Naming naming = to.naming(target);
    publication.publish(to.encode(Checkpoint.of(layers, metadata), stored, naming));
    List<String> lines = new ArrayList<>();
    lines.add(
        "wrote "
            + Printable.escape(StoredFile.display(output))
            + ": "
            + Quantity.of(layers.size(), "layer")
            + ", "
            + target.word()
            + ", "
            + stored);
    lines.addAll(change.consequences(target.runningVariance()));
    lines.addAll(epsilons);
    if (source != target) {
      lines.addAll(conventions(source, target));
    }
    lines.addAll(names(from.naming(source), naming));
    lines.addAll(ranges(layers, stored));
    lines.addAll(leftOut(layers, naming, recorded));
    return lines;
  }

  private static JobSpecException unexpected(String path, String suffixes) {
    return new JobSpecException(
        Printable.escape(StoredFile.display(path))
            + ": expected a path that ends in one of "
            + suffixes);
  }

  private static DType widest(Checkpoint checkpoint) {
    DType widest = DType.F16;
    for (CheckpointLayer layer : checkpoint.layers().values()) {
      boolean isMixed = layer.dtype().bytes() == widest.bytes() && layer.dtype() != widest;
      if (layer.dtype().bytes() > widest.bytes()) {
        widest = layer.dtype();
      } else if (isMixed) {
        widest = checkpoint.layers().size() == 1 ? layer.dtype() : DType.F32;
      }
    }
    return widest;
  }

  /** What a user must know who puts the numbers into a layer of the target's. */
  private static List<String> conventions(Convention source, Convention target) {
    List<String> lines = new ArrayList<>();
    if (source.momentumMeaning() != target.momentumMeaning()
        || source.momentum() != target.momentum()) {
      lines.add(
          "momentum: the "
              + source.momentum()
              + " of "
              + source.word()
              + (source.momentumMeaning() == Momentum.WEIGHT_OF_NEW
                  ? " (weight of the new value)"
                  : " (weight of the old value)")
              + " is "
              + same(source, target)
              + " in "
              + target.word());
    }
    if (source.channelAxis() != target.channelAxis()) {
      lines.add(
          "channels: axis "
              + source.channelAxis()
              + " in "
              + source.word()
              + ", axis "
              + target.channelAxis()
              + " in "
              + target.word());
    }
    return lines;
  }

  /** What the tensors are called now, where that is not what they were called. */
  private static List<String> names(Naming before, Naming after) {
    return before == after
        ? List.of()
        : List.of(
            "names: "
                + switch (after) {
                  case PYTORCH -> "running_mean, running_var, weight, bias";
                  case KERAS -> "moving_mean, moving_variance, gamma, beta";
                  case NEUTRAL ->
                      "LAYER/mean, LAYER/variance, LAYER/gamma, LAYER/beta, as in every .npz";
                });
  }

  /** The source's momentum in the target's meaning. */
  private static String same(Convention source, Convention target) {
    BigDecimal momentum = BigDecimal.valueOf(source.momentum());
    return (source.momentumMeaning() == target.momentumMeaning()
            ? momentum
            : BigDecimal.ONE.subtract(momentum))
        .toPlainString();
  }

  private static List<String> ranges(Map<String, CheckpointLayer> layers, DType dtype) {
    List<String> lines = new ArrayList<>();
    for (Map.Entry<String, CheckpointLayer> layer : layers.entrySet()) {
      for (String lost : LayerSuspicions.lostIn(layer.getValue(), dtype)) {
        lines.add("range: layer " + Printable.escape(layer.getKey()) + ": " + lost);
      }
    }
    return lines;
  }

  /**
   * What the new file lacks.
   *
   * @param naming of its tensors
   * @param recorded what stands in the metadata, which it has
   */
  private static List<String> leftOut(
      Map<String, CheckpointLayer> layers, Naming naming, Map<String, Provenance> recorded) {
    List<String> lines = new ArrayList<>();
    layers.forEach(
        (name, layer) -> {
          if (layer.isAffineUnknown()) {
            lines.add(
                "affine: layer "
                    + Printable.escape(name)
                    + " has a gamma or a beta, which is left out: the weights alone do not say"
                    + " which it is");
          }
        });
    if (!naming.hasBatches()
        && layers.values().stream().anyMatch(layer -> layer.batchesTracked().isPresent())) {
      lines.add(
          recorded.keySet().containsAll(layers.keySet())
              ? "num_batches_tracked: in the metadata alone"
              : "num_batches_tracked: left out, as there is no name for it");
    }
    return lines;
  }
}
