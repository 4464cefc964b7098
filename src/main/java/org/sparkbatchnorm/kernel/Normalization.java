package org.sparkbatchnorm.kernel;

import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;

/**
 * The arithmetic of one layer over consecutive elements of an array, {@code y = (x - mean) * scale
 * + beta} in double, one rounding at the end. All implementations give the same bits (any NaN being
 * as good as another): each operation is rounded, and never fused with the next. Which one is fast
 * here, {@link NormalizationKernels} knows. Thread-safe; trusts its caller.
 */
interface Normalization {
  /**
   * Normalizes elements {@code from} to {@code to} (exclusive) of the input to the same places of
   * the output, which may be the input.
   *
   * @param view where channels stand in the whole array
   * @param first position in the whole array of element {@code from}
   */
  void apply(float[] input, float[] output, int from, int to, ChannelView view, long first);

  /** The same for doubles. */
  void apply(double[] input, double[] output, int from, int to, ChannelView view, long first);

  /**
   * The values of the first {@code count} binary16 or bfloat16.
   *
   * @param half F16 or BF16
   */
  void widen(DType half, short[] bits, double[] values, int count);

  /**
   * Rounds the first {@code count} values to binary16 or bfloat16, to nearest, ties to even.
   *
   * @param half F16 or BF16
   */
  void narrow(DType half, double[] values, short[] bits, int count);
}
