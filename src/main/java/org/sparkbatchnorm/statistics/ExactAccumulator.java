package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Exact sums of blocks: {@link ExactSums} filled by a kernel, which keeps what it has learned of
 * the values' range when it is cleared. Not thread-safe.
 */
final class ExactAccumulator extends ChannelMomentsAccumulator {
  private final ExactSums sums;
  private final NonFiniteCounts nonFinite;
  private final ExactKernel kernel;

  ExactAccumulator(int channels, ExactKernels kernels) {
    sums = ExactSums.forChannels(channels);
    nonFinite = NonFiniteCounts.none(channels);
    kernel = kernels.kernel(sums, nonFinite);
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
    nonFinite.clear();
  }
}
