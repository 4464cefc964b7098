package org.sparkbatchnorm.statistics;

import java.util.Arrays;
import java.util.Optional;
import org.sparkbatchnorm.tensor.DType;

/**
 * Count, mean and sum of squared deviations (M2) in double: small, and right to rounding.
 *
 * <p>Merging is Chan, Golub and LeVeque's (The American Statistician 37 (1983) 242, eq. 1.5b),
 * written so that {@code a.merge(b)} and {@code b.merge(a)} are the same to the bit; groupings may
 * differ in the last bits. A channel whose values are all equal has M2 exactly 0. Counts are exact
 * up to 2^63 - 1. The range of M2 is that of doubles: values of a 64-bit type beyond about 1e150
 * may overflow it to infinity, differences of less than about 1e-162 underflow to 0; no other type
 * comes near. Immutable.
 */
final class WelfordMoments extends ChannelMoments {
  private static final long serialVersionUID = 1L;

  private final long[] count;
  private final double[] mean;
  private final double[] m2;
  private final NonFiniteCounts nonFinite;

  /** Takes ownership of the arrays. */
  WelfordMoments(long[] count, double[] mean, double[] m2, NonFiniteCounts nonFinite) {
    this.count = count;
    this.mean = mean;
    this.m2 = m2;
    this.nonFinite = nonFinite;
  }

  static WelfordMoments none(int channels) {
    return new WelfordMoments(
        new long[channels],
        new double[channels],
        new double[channels],
        NonFiniteCounts.none(channels));
  }

  @Override
  public int channels() {
    return count.length;
  }

  @Override
  public long count(int channel) {
    return count[channel];
  }

  @Override
  public double mean(int channel, DType target) {
    requireCount(count[channel], channel, 1, "a mean");
    return CorrectRounding.to(target).round(mean[channel]);
  }

  @Override
  public double biasedVariance(int channel, DType target) {
    long n = requireCount(count[channel], channel, 1, "a biased variance");
    return CorrectRounding.to(target).round(m2[channel] / n);
  }

  @Override
  public double unbiasedVariance(int channel, DType target) {
    long n = requireCount(count[channel], channel, 2, "an unbiased variance");
    return CorrectRounding.to(target).round(m2[channel] / (n - 1));
  }

  /** Whether M2 is 0. */
  @Override
  public boolean isConstant(int channel) {
    return count[channel] > 0 && m2[channel] == 0;
  }

  @Override
  public NonFiniteCounts nonFinite() {
    return nonFinite;
  }

  @Override
  public Accumulation accumulation() {
    return Accumulation.WELFORD;
  }

  @Override
  public Optional<byte[]> canonicalBytes() {
    return Optional.empty();
  }

  @Override
  public ChannelMoments merge(ChannelMoments other) {
    requireMergeable(other);
    WelfordMoments that = (WelfordMoments) other;
    long[] mergedCount = count.clone();
    double[] mergedMean = mean.clone();
    double[] mergedM2 = m2.clone();
    for (int c = 0; c < mergedCount.length; c++) {
      mergeInto(mergedCount, mergedMean, mergedM2, c, that.count[c], that.mean[c], that.m2[c]);
    }
    return new WelfordMoments(mergedCount, mergedMean, mergedM2, nonFinite.plus(that.nonFinite));
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

  @Override
  public boolean equals(Object other) {
    return other instanceof WelfordMoments that
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
