package org.sparkbatchnorm.estimator;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.ChannelMomentsAccumulator;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchAccumulator;
import org.sparkbatchnorm.statistics.MiniBatchAccumulator.MiniBatch;
import org.sparkbatchnorm.statistics.MiniBatchTerms;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Layers made up of mini-batches, whose order is the one they are given in. */
final class Layers {
  private Layers() {}

  /** Rows of channels. */
  static ChannelMoments moments(int channels, double... values) {
    return moments(new ChannelView(values.length / channels, channels, 1), values);
  }

  static ChannelMoments moments(ChannelView view, double... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length);
    bytes.asDoubleBuffer().put(values);
    ChannelMomentsAccumulator accumulator =
        ChannelMomentsAccumulator.forChannels(view.channels(), Accumulation.EXACT);
    accumulator.add(TensorBlock.whole(DType.F64, bytes, view));
    return accumulator.snapshot();
  }

  /** What these estimators need of layer {@code bn}, whose mini-batches are b0, b1, ... */
  static LayerMoments layer(
      Collection<Estimator> estimators, int channels, List<double[]> miniBatches) {
    List<ChannelMoments> moments = new ArrayList<>();
    miniBatches.forEach(values -> moments.add(moments(channels, values)));
    return layer(estimators, channels, moments, 1);
  }

  /** The same of counted mini-batches, whose rows have so many positions. */
  static LayerMoments layer(
      Collection<Estimator> estimators,
      int channels,
      List<ChannelMoments> miniBatches,
      int positions) {
    Set<MiniBatchTerms> terms = new HashSet<>();
    estimators.forEach(estimator -> estimator.terms().ifPresent(terms::add));
    MiniBatchAccumulator accumulator = MiniBatchAccumulator.forChannels(channels, terms);
    ChannelMoments pooled = ChannelMoments.empty(channels, Accumulation.EXACT);
    int least = terms.stream().mapToInt(each -> each.variance().leastCount()).max().orElse(1);
    long followers = miniBatches.stream().filter(batch -> values(batch) >= least).count();
    int withValues = 0;
    for (int b = 0; b < miniBatches.size(); b++) {
      ChannelMoments batch = miniBatches.get(b);
      followers -= values(batch) >= least ? 1 : 0;
      withValues += values(batch) > 0 ? 1 : 0;
      accumulator.add(batch, new MiniBatch("b" + b, values(batch) / positions, followers));
      pooled = pooled.merge(batch);
    }
    return new LayerMoments("bn", pooled, withValues, accumulator.snapshot());
  }

  /** Without mini-batches. */
  static LayerMoments pooled(int channels, double... values) {
    return new LayerMoments("bn", moments(channels, values), 1, Map.of());
  }

  private static long values(ChannelMoments batch) {
    return batch.channels() == 0 ? 0 : batch.count(0) + batch.nonFinite().inChannel(0);
  }

  static List<double[]> batches(double[]... miniBatches) {
    return Arrays.asList(miniBatches);
  }
}
