package org.sparkbatchnorm.statistics;

import java.util.Map;

/**
 * Everything that was counted in one layer: what an estimator turns into running statistics.
 *
 * @param layer the layer's name
 * @param pooled moments of all its values
 * @param miniBatches number of mini-batches that hold at least one value, finite or not
 * @param averages over whole mini-batches, those that were kept
 */
public record LayerMoments(
    String layer,
    ChannelMoments pooled,
    long miniBatches,
    Map<MiniBatchTerms, MiniBatchAverages> averages) {

  /** Copies the map. */
  public LayerMoments {
    averages = Map.copyOf(averages);
  }
}
