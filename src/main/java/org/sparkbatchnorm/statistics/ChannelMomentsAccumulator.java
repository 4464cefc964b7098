package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Builds the moments of C channels from blocks of arrays, in one pass over the blocks. Blocks may
 * come from different arrays, of different types, and begin anywhere inside one. Not thread-safe.
 */
public abstract class ChannelMomentsAccumulator {
  /** Returned by {@link #add} where every value was finite. */
  public static final long ALL_FINITE = -1;

  ChannelMomentsAccumulator() {}

  /**
   * An accumulator that has seen no values.
   *
   * @throws IllegalArgumentException if the number of channels is negative
   */
  public static ChannelMomentsAccumulator forChannels(int channels, Accumulation accumulation) {
    return forChannels(channels, accumulation, ExactKernels.ofThisJvm());
  }

  /**
   * The same with a chosen kernel for exact sums; all give the same bits.
   *
   * @throws IllegalArgumentException if the number of channels is negative
   */
  public static ChannelMomentsAccumulator forChannels(
      int channels, Accumulation accumulation, ExactKernels kernels) {
    if (channels < 0) {
      throw new IllegalArgumentException("negative number of channels: " + channels);
    }
    return switch (accumulation) {
      case EXACT -> new ExactAccumulator(channels, kernels);
      case WELFORD -> new WelfordAccumulator(channels);
    };
  }

  /**
   * Adds the values of a block.
   *
   * @return position in the whole array of the first value that is not finite, or {@link
   *     #ALL_FINITE}
   * @throws IllegalArgumentException if the block's array has another number of channels
   */
  public abstract long add(TensorBlock block);

  /** The moments of everything added so far. */
  public abstract ChannelMoments snapshot();

  /** Forgets everything. */
  public abstract void clear();
}
