package org.sparkbatchnorm.statistics;

import java.io.Serializable;
import java.util.Arrays;

/**
 * Count, mean and sum of squared deviations (M2) of the finite values of each of C channels, and
 * how many values were NaN or infinite.
 *
 * <p>Merging is Chan, Golub and LeVeque's (The American Statistician 37 (1983) 242, eq. 1.5b),
 * written so that {@code a.merge(b)} and {@code b.merge(a)} are the same to the bit; groupings may
 * differ in the last bits. A channel whose values are all equal has M2 exactly 0. Counts are exact
 * up to 2^63 - 1. The range of M2 is that of doubles: values of a 64-bit type beyond about 1e150
 * may overflow it to infinity, differences of less than about 1e-162 underflow to 0; no other type
 * comes near. Immutable.
 */
public final class ChannelMoments implements Serializable {
  private static final long serialVersionUID = 1L;

  private final long[] count;
  private final double[] mean;
  private final double[] m2;
  private final NonFiniteCounts nonFinite;

  /** Takes ownership of the arrays. */
  ChannelMoments(long[] count, double[] mean, double[] m2, NonFiniteCounts nonFinite) {
    this.count = count;
    this.mean = mean;
    this.m2 = m2;
    this.nonFinite = nonFinite;
  }

  /**
   * The moments of no values; the identity of {@link #merge}.
   *
   * @throws IllegalArgumentException if the number of channels is negative
   */
  public static ChannelMoments empty(int channels) {
    if (channels < 0) {
      throw new IllegalArgumentException("negative number of channels: " + channels);
    }
    return new ChannelMoments(
        new long[channels],
        new double[channels],
        new double[channels],
        NonFiniteCounts.none(channels));
  }

  /** C. */
  public int channels() {
    return count.length;
  }

  /** Number of finite values of a channel. */
  public long count(int channel) {
    return count[channel];
  }

  /**
   * Mean of a channel's finite values.
   *
   * @throws IllegalStateException if there are none
   */
  public double mean(int channel) {
    requireCount(channel, 1, "a mean");
    return mean[channel];
  }

  /**
   * M2 / n: the variance of the values themselves, at least 0.
   *
   * @throws IllegalStateException if there are none
   */
  public double biasedVariance(int channel) {
    requireCount(channel, 1, "a biased variance");
    return m2[channel] / count[channel];
  }

  /**
   * M2 / (n - 1): the unbiased estimate of the variance of the population they were drawn from, at
   * least 0.
   *
   * @throws IllegalStateException if there are fewer than two values
   */
  public double unbiasedVariance(int channel) {
    requireCount(channel, 2, "an unbiased variance");
    return m2[channel] / (count[channel] - 1);
  }

  /** Whether the channel has values and all its finite values are equal: M2 is 0. */
  public boolean isConstant(int channel) {
    return count[channel] > 0 && m2[channel] == 0;
  }

  /** How many values were not finite; they are in no other number here. */
  public NonFiniteCounts nonFinite() {
    return nonFinite;
  }

  /**
   * The moments of both sets of values together.
   *
   * @throws IllegalArgumentException if the number of channels differs
   * @throws ArithmeticException if a count exceeds 2^63 - 1
   */
  public ChannelMoments merge(ChannelMoments other) {
    if (other.channels() != channels()) {
      throw new IllegalArgumentException(
          "cannot merge moments of " + channels() + " and " + other.channels() + " channels");
    }
    long[] mergedCount = count.clone();
    double[] mergedMean = mean.clone();
    double[] mergedM2 = m2.clone();
    for (int c = 0; c < mergedCount.length; c++) {
      mergeInto(mergedCount, mergedMean, mergedM2, c, other.count[c], other.mean[c], other.m2[c]);
    }
    return new ChannelMoments(mergedCount, mergedMean, mergedM2, nonFinite.plus(other.nonFinite));
  }

  /** Merges one more set of values into channel {@code c} of the arrays (eq. 1.5b). */
  static void mergeInto(
      long[] count,
      double[] mean,
      double[] m2,
      int c,
      long otherCount,
      double otherMean,
      double otherM2) {
    if (otherCount == 0) {
      return;
    }
    if (count[c] == 0) {
      count[c] = otherCount;
      mean[c] = otherMean;
      m2[c] = otherM2;
      return;
    }
    long n = Math.addExact(count[c], otherCount);
    boolean larger = count[c] >= otherCount;
    double largeCount = larger ? count[c] : otherCount;
    double smallCount = larger ? otherCount : count[c];
    double delta = otherMean - mean[c];
    m2[c] = (m2[c] + otherM2) + delta * delta * (smallCount * (largeCount / n));
    if (delta == 0) {
      mean[c] += 0.0; // of -0.0 and 0.0 always the same one
    } else if (Double.isInfinite(delta)) {
      mean[c] = mean[c] * ((double) count[c] / n) + otherMean * ((double) otherCount / n);
    } else if (largeCount == smallCount) {
      mean[c] = 0.5 * mean[c] + 0.5 * otherMean;
    } else if (larger) {
      mean[c] += delta * (smallCount / n);
    } else {
      mean[c] = otherMean - delta * (smallCount / n);
    }
    count[c] = n;
  }

  private void requireCount(int channel, long needed, String what) {
    if (count[channel] < needed) {
      throw new IllegalStateException(
          "channel "
              + channel
              + " has "
              + count[channel]
              + (count[channel] == 1 ? " value" : " values")
              + ", but "
              + what
              + " needs at least "
              + needed);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ChannelMoments that
        && Arrays.equals(count, that.count)
        && Arrays.equals(mean, that.mean)
        && Arrays.equals(m2, that.m2)
        && nonFinite.equals(that.nonFinite);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(count) * 31 + Arrays.hashCode(mean);
  }
}
