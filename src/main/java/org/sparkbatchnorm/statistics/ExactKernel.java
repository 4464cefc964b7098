package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Adds blocks of arrays to {@link ExactSums} and {@link NonFiniteCounts}. All kernels give the same
 * bits; which one is fast here, {@link ExactKernels} knows. Not thread-safe.
 */
interface ExactKernel {
  /** Returned by {@link #add} where every value was finite. */
  long ALL_FINITE = ChannelMomentsAccumulator.ALL_FINITE;

  /**
   * Adds the values of a block. The sums and the number of values may lack them until {@link
   * #flush}; those that are not finite are counted at once.
   *
   * @return position in the whole array of the first value that is not finite, or {@link
   *     #ALL_FINITE}
   * @throws IllegalArgumentException if the block's array has another number of channels
   */
  long add(TensorBlock block);

  /**
   * Brings what is pending to the sums.
   *
   * @throws ArithmeticException if a count exceeds 2^63 - 1
   */
  void flush();
}
