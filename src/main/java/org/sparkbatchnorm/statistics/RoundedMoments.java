package org.sparkbatchnorm.statistics;

import java.math.BigInteger;
import org.sparkbatchnorm.tensor.DType;

/**
 * Mean and variances of exact sums, each rounded once, straight to the type wanted (never to double
 * and then to float):
 *
 * <pre>{@code
 * mean     = S / n
 * biased   = (n Q - S^2) / n^2
 * unbiased = (n Q - S^2) / (n (n - 1))
 * }</pre>
 *
 * <p>{@code n Q - S^2} is the sum over all pairs of values of the squares of their differences: at
 * least 0, and 0 only if all values are equal. A variance is +0.0 exactly then, or where it
 * underflows.
 */
record RoundedMoments(ExactSums sums) {

  /**
   * Mean of a channel's finite values; infinite where the type's range is too small.
   *
   * @throws IllegalStateException if there are none
   * @throws IllegalArgumentException if the target is not a floating-point type
   */
  double mean(int channel, DType target) {
    long n = ChannelMoments.requireCount(sums.count(channel), channel, 1, "a mean");
    return CorrectRounding.to(target)
        .round(sums.sum(channel), BigInteger.valueOf(n), sums.unitExponent());
  }

  /**
   * The variance of the values themselves, at least 0.
   *
   * @throws IllegalStateException if there are none
   * @throws IllegalArgumentException if the target is not a floating-point type
   */
  double biasedVariance(int channel, DType target) {
    long n = ChannelMoments.requireCount(sums.count(channel), channel, 1, "a biased variance");
    return variance(channel, n, n, target);
  }

  /**
   * The unbiased estimate of the variance of the population they were drawn from, at least 0.
   *
   * @throws IllegalStateException if there are fewer than two values
   * @throws IllegalArgumentException if the target is not a floating-point type
   */
  double unbiasedVariance(int channel, DType target) {
    long n = ChannelMoments.requireCount(sums.count(channel), channel, 2, "an unbiased variance");
    return variance(channel, n, n - 1, target);
  }

  private double variance(int channel, long n, long divisor, DType target) {
    BigInteger count = BigInteger.valueOf(n);
    return CorrectRounding.to(target)
        .round(
            squaredDeviations(channel),
            count.multiply(BigInteger.valueOf(divisor)),
            2 * sums.unitExponent());
  }

  /** n Q - S^2, in units of the square of S's unit. */
  private BigInteger squaredDeviations(int channel) {
    BigInteger sum = sums.sum(channel);
    return BigInteger.valueOf(sums.count(channel))
        .multiply(sums.squares(channel))
        .subtract(sum.multiply(sum));
  }

  /** Whether the channel has values and all its finite values are equal. */
  boolean isConstant(int channel) {
    return sums.count(channel) > 0 && squaredDeviations(channel).signum() == 0;
  }
}
