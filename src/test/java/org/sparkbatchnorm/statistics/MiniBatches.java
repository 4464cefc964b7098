package org.sparkbatchnorm.statistics;

import java.util.List;
import org.sparkbatchnorm.statistics.MiniBatchAccumulator.MiniBatch;
import org.sparkbatchnorm.statistics.MiniBatchTerms.Variance;

/** Accumulators of one mini-batch, and what several of them give together. */
final class MiniBatches {
  static final MiniBatchTerms PAPER = MiniBatchTerms.ofEqualWeight(Variance.UNBIASED);

  private MiniBatches() {}

  static MiniBatchAccumulator of(MiniBatchTerms terms, MiniBatch batch, ChannelMoments moments) {
    MiniBatchAccumulator accumulator =
        MiniBatchAccumulator.forChannels(moments.channels(), List.of(terms));
    accumulator.add(moments, batch);
    return accumulator;
  }

  static MiniBatchAccumulator paper(String name, ChannelMoments moments) {
    return of(PAPER, new MiniBatch(name, 1, 0), moments);
  }

  /** All of them, merged in this order. */
  static MiniBatchAverages merged(
      MiniBatchTerms terms, int channels, List<MiniBatchAccumulator> accumulators) {
    MiniBatchAccumulator sum = MiniBatchAccumulator.forChannels(channels, List.of(terms));
    accumulators.forEach(sum::merge);
    return sum.snapshot().get(terms);
  }

  static MiniBatchAverages paper(int channels, List<MiniBatchAccumulator> accumulators) {
    return merged(PAPER, channels, accumulators);
  }
}
