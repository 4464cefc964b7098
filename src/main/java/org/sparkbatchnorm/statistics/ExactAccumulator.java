package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.TensorBlock;

/** Exact sums of blocks: {@link ExactSums} filled by a kernel. Not thread-safe. */
final class ExactAccumulator extends ChannelMomentsAccumulator {
  private final ExactSums sums;
  private NonFiniteCounts nonFinite;
  private ExactScalarKernel kernel;

  ExactAccumulator(int channels) {
    sums = ExactSums.forChannels(channels);
    nonFinite = NonFiniteCounts.none(channels);
    kernel = new ExactScalarKernel(sums, nonFinite);
  }

  @Override
  public long add(TensorBlock block) {
    return kernel.add(block);
  }

  @Override
  public ChannelMoments snapshot() {
    kernel.flush();
    return new ExactMoments(sums.copy(), nonFinite.copy());
  }

  @Override
  public void clear() {
    kernel.flush();
    sums.clear();
    nonFinite = NonFiniteCounts.none(sums.channels());
    kernel = new ExactScalarKernel(sums, nonFinite);
  }
}
