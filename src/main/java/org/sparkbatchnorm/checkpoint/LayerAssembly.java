package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.checkpoint.TensorRole.Certainty;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.tensor.DType;

/**
 * The BatchNorm layers among the tensors of a model: whatever has a running mean or a running
 * variance, and whatever has both under words that mean it together ({@code mean} and {@code var}).
 * All else is ignored. Use once.
 */
final class LayerAssembly {
  /** Of all layers together; networks have some 100,000. */
  private static final long MAX_CHANNELS = 1 << 24;

  private final String file;
  private final List<NamedTensor> tensors;
  private final Map<String, Map<TensorRole, NamedTensor>> found = new LinkedHashMap<>();
  private long channels;

  /**
   * An assembly.
   *
   * @param file what messages about all of the tensors call their place
   */
  LayerAssembly(String file, List<NamedTensor> tensors) {
    this.file = file;
    this.tensors = tensors;
  }

  /** The layers, in the order of their first running statistic in the file. */
  Map<String, StoredLayer> layers() throws IOException {
    findLayers();
    if (found.isEmpty()) {
      throw new MalformedFileException(
          file,
          MalformedFileException.NO_OFFSET,
          "NO_LAYERS",
          "none of the "
              + tensors.size()
              + " tensors is a running mean or variance (running_mean, running_var, moving_mean,"
              + " moving_variance)");
    }
    for (Certainty certainty : Certainty.values()) {
      for (NamedTensor tensor : tensors) {
        assign(tensor, certainty);
      }
    }
    Map<String, StoredLayer> layers = new LinkedHashMap<>();
    for (Map.Entry<String, Map<TensorRole, NamedTensor>> entry : found.entrySet()) {
      layers.put(entry.getKey(), layer(entry.getKey(), entry.getValue()));
    }
    return layers;
  }

  private void findLayers() {
    Map<String, Map<TensorRole, NamedTensor>> inCompany = new LinkedHashMap<>();
    for (NamedTensor tensor : tensors) {
      TensorRole.Name name = TensorRole.Name.parse(tensor.name()).orElse(null);
      if (name == null || (name.role() != TensorRole.MEAN && name.role() != TensorRole.VARIANCE)) {
        continue;
      }
      if (name.certainty() == Certainty.CERTAIN) {
        found.putIfAbsent(name.layer(), new EnumMap<>(TensorRole.class));
      } else {
        Map<TensorRole, NamedTensor> both =
            inCompany.computeIfAbsent(name.layer(), layer -> new EnumMap<>(TensorRole.class));
        both.put(name.role(), tensor);
        if (both.size() == 2
            && isVectorLike(both.get(TensorRole.MEAN), both.get(TensorRole.VARIANCE))) {
          found.putIfAbsent(name.layer(), new EnumMap<>(TensorRole.class));
        }
      }
    }
  }

  private static boolean isVectorLike(NamedTensor a, NamedTensor b) {
    return a.isFloating() && b.isFloating() && a.shape().rank() == 1 && a.shape().equals(b.shape());
  }

  private void assign(NamedTensor tensor, Certainty certainty) throws MalformedFileException {
    TensorRole.Name name = TensorRole.Name.parse(tensor.name()).orElse(null);
    if (name == null || name.certainty() != certainty || !found.containsKey(name.layer())) {
      return;
    }
    Map<TensorRole, NamedTensor> layer = found.get(name.layer());
    NamedTensor other = layer.get(name.role());
    if (other == null) {
      layer.put(name.role(), tensor);
    } else if (certainty == Certainty.CERTAIN) {
      throw tensor.malformed(
          "LAYER_AMBIGUOUS",
          "two names for the same thing: '" + other.name() + "' and '" + tensor.name() + "'");
    }
  }

  private StoredLayer layer(String name, Map<TensorRole, NamedTensor> parts) throws IOException {
    NamedTensor mean = parts.get(TensorRole.MEAN);
    NamedTensor variance = parts.get(TensorRole.VARIANCE);
    if (mean == null || variance == null) {
      throw (mean == null ? variance : mean)
          .malformed(
              "LAYER_INCOMPLETE",
              (mean == null
                      ? "running variance without running mean"
                      : "running mean without running variance")
                  + " in layer '"
                  + name
                  + "'");
    }
    channels += mean.shape().elements();
    if (channels > MAX_CHANNELS) {
      throw mean.malformed(
          "TOO_MANY_CHANNELS", "more than " + MAX_CHANNELS + " channels in all layers");
    }
    CheckpointLayer layer =
        CheckpointLayer.located(
            floating(mean),
            values(mean, mean),
            mean.offset(),
            values(variance, mean),
            variance.offset());
    NamedTensor gamma = parts.get(TensorRole.GAMMA);
    if (gamma != null) {
      layer = layer.withGamma(values(gamma, mean));
    }
    NamedTensor beta = parts.get(TensorRole.BETA);
    if (beta != null) {
      layer = layer.withBeta(values(beta, mean));
    }
    if (parts.containsKey(TensorRole.GAMMA_OR_BETA)) {
      layer = layer.withUnknownAffine();
    }
    NamedTensor batchesTracked = parts.get(TensorRole.BATCHES_TRACKED);
    if (batchesTracked != null) {
      layer = layer.withBatchesTracked(integer(batchesTracked));
    }
    return new StoredLayer(layer, mean, variance, Optional.ofNullable(batchesTracked));
  }

  /** The values of a tensor of shape [C], where C is that of the running mean. */
  private static double[] values(NamedTensor tensor, NamedTensor mean) throws IOException {
    floating(tensor);
    if (tensor.shape().rank() != 1 || !tensor.shape().equals(mean.shape())) {
      throw tensor.malformed(
          "SHAPE_MISMATCH",
          "shape "
              + tensor.shape()
              + ", expected "
              + (mean.shape().rank() == 1 ? mean.shape() + " as the running mean" : "one axis")
              + ", of tensor '"
              + tensor.name()
              + "'");
    }
    return tensor.values();
  }

  private static DType floating(NamedTensor tensor) throws MalformedFileException {
    if (!tensor.isFloating()) {
      throw tensor.malformed(
          "DTYPE",
          tensor.dtypeText()
              + ", expected a floating-point type, of tensor '"
              + tensor.name()
              + "'");
    }
    return tensor.dtype().orElseThrow();
  }

  private static long integer(NamedTensor tensor) throws IOException {
    if (tensor.isFloating() || tensor.dtype().isEmpty()) {
      throw tensor.malformed(
          "DTYPE", tensor.dtypeText() + ", expected an integer, of tensor '" + tensor.name() + "'");
    }
    if (tensor.shape().elements() != 1) {
      throw tensor.malformed(
          "SHAPE_MISMATCH",
          "shape "
              + tensor.shape()
              + ", expected a single number, of tensor '"
              + tensor.name()
              + "'");
    }
    return tensor.integer();
  }
}
