package org.sparkbatchnorm.statistics;

import java.io.Serializable;
import java.util.Arrays;

/**
 * How many values of each of C channels were NaN, positive infinity or negative infinity.
 * Immutable.
 */
public final class NonFiniteCounts implements Serializable {
  private static final long serialVersionUID = 1L;

  private final long[] nan;
  private final long[] positiveInfinity;
  private final long[] negativeInfinity;

  /** Takes ownership of the arrays. */
  NonFiniteCounts(long[] nan, long[] positiveInfinity, long[] negativeInfinity) {
    this.nan = nan;
    this.positiveInfinity = positiveInfinity;
    this.negativeInfinity = negativeInfinity;
  }

  static NonFiniteCounts none(int channels) {
    return new NonFiniteCounts(new long[channels], new long[channels], new long[channels]);
  }

  NonFiniteCounts copy() {
    return new NonFiniteCounts(nan.clone(), positiveInfinity.clone(), negativeInfinity.clone());
  }

  /** Counts one value that is not finite. Only for the owner of a fresh instance. */
  void count(int channel, double value) {
    long[] kind = Double.isNaN(value) ? nan : value > 0 ? positiveInfinity : negativeInfinity;
    kind[channel]++;
  }

  /** Forgets everything. Only for the owner of a fresh instance. */
  void clear() {
    Arrays.fill(nan, 0);
    Arrays.fill(positiveInfinity, 0);
    Arrays.fill(negativeInfinity, 0);
  }

  NonFiniteCounts plus(NonFiniteCounts other) {
    return new NonFiniteCounts(
        sum(nan, other.nan),
        sum(positiveInfinity, other.positiveInfinity),
        sum(negativeInfinity, other.negativeInfinity));
  }

  private static long[] sum(long[] a, long[] b) {
    long[] sum = a.clone();
    for (int c = 0; c < sum.length; c++) {
      sum[c] = Math.addExact(sum[c], b[c]);
    }
    return sum;
  }

  /** NaNs in a channel. */
  public long nan(int channel) {
    return nan[channel];
  }

  /** Positive infinities in a channel. */
  public long positiveInfinity(int channel) {
    return positiveInfinity[channel];
  }

  /** Negative infinities in a channel. */
  public long negativeInfinity(int channel) {
    return negativeInfinity[channel];
  }

  /** All non-finite values of a channel. */
  public long inChannel(int channel) {
    return nan[channel] + positiveInfinity[channel] + negativeInfinity[channel];
  }

  /** All non-finite values of all channels. */
  public long total() {
    long total = 0;
    for (int c = 0; c < nan.length; c++) {
      total += inChannel(c);
    }
    return total;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof NonFiniteCounts that
        && Arrays.equals(nan, that.nan)
        && Arrays.equals(positiveInfinity, that.positiveInfinity)
        && Arrays.equals(negativeInfinity, that.negativeInfinity);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(nan);
  }
}
