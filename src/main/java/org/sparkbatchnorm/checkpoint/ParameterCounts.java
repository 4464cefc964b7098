package org.sparkbatchnorm.checkpoint;

import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparkbatchnorm.checkpoint.NamedTensor.Counting;

/**
 * How many numbers a model has, in two accountings. The running mean and variance of a BatchNorm
 * layer of C channels are buffers to PyTorch, beside its parameters, and {@code
 * num_batches_tracked} is one more; to Keras they are weights that are not trainable, and it knows
 * no such count. So the layer has 2C parameters there and 4C here.
 *
 * <p>What a file does not say is taken to be as usual: floating-point tensors are parameters, and
 * trainable; others are buffers of PyTorch's, and no weights of Keras'; every layer counts its
 * batches, whether the file has the number or not. Tensors that share their place count once. Files
 * of Keras say more: variables of layers that are frozen, or that are kept and not trained, are
 * weights that are not trainable, and parameters or buffers to PyTorch.
 *
 * @param parameters as PyTorch counts: what is trained
 * @param buffers as PyTorch counts
 * @param trainable as Keras counts
 * @param nonTrainable as Keras counts
 */
public record ParameterCounts(long parameters, long buffers, long trainable, long nonTrainable) {

  /** Those of one layer. */
  public static ParameterCounts of(CheckpointLayer layer) {
    long affine = 0;
    affine += layer.gamma().isPresent() ? layer.channels() : 0;
    affine += layer.beta().isPresent() ? layer.channels() : 0;
    affine += layer.isAffineUnknown() ? layer.channels() : 0;
    long statistics = 2L * layer.channels();
    return new ParameterCounts(affine, statistics + 1, affine, statistics);
  }

  private record Place(int part, long offset, Object shape) {}

  static ParameterCounts of(List<NamedTensor> tensors, Collection<StoredLayer> layers) {
    Set<NamedTensor> statistics = new HashSet<>();
    long statisticsElements = 0;
    for (StoredLayer layer : layers) {
      statistics.add(layer.mean());
      statistics.add(layer.variance());
      layer.batchesTracked().ifPresent(statistics::add);
      statisticsElements += 2L * layer.layer().channels();
    }
    Map<Counting, Long> elements = new EnumMap<>(Counting.class);
    for (Counting counting : Counting.values()) {
      elements.put(counting, 0L);
    }
    Set<Place> counted = new HashSet<>();
    for (NamedTensor tensor : tensors) {
      if (!statistics.contains(tensor)
          && counted.add(new Place(tensor.part(), tensor.offset(), tensor.shape()))) {
        elements.merge(tensor.counting(), tensor.shape().elements(), Long::sum);
      }
    }
    long trained = elements.get(Counting.PARAMETER);
    long frozen = elements.get(Counting.FROZEN_PARAMETER);
    long kept = elements.get(Counting.KEPT_WEIGHT);
    return new ParameterCounts(
        trained + frozen,
        statisticsElements + layers.size() + elements.get(Counting.BUFFER) + kept,
        trained,
        statisticsElements + frozen + kept);
  }

  /** As Keras counts. */
  public long total() {
    return trainable + nonTrainable;
  }
}
