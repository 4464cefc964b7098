package org.sparkbatchnorm.statistics;

import java.io.Serializable;
import java.math.BigInteger;
import java.util.Optional;
import org.sparkbatchnorm.statistics.MiniBatchTerms.Variance;
import org.sparkbatchnorm.tensor.DType;

/**
 * Averages over whole mini-batches of one layer, where not every value has the same weight: plain
 * ones over mini-batches (arXiv 1502.03167, Algorithm 2), or such as a running value is that
 * forgets. What enters are the means mu_b of the mini-batches and their variances, each rounded to
 * a double; the sums are exact and rounded once. A snapshot of {@link MiniBatchAccumulator};
 * immutable.
 *
 * <p>A mini-batch counts, for a channel, if it has there at least as many finite values as {@link
 * Variance#leastCount} asks for. One with none is left out. One with a single value, where two are
 * needed, is left out too, and the first such one is remembered.
 */
public final class MiniBatchAverages {
  private final MiniBatchSums sums;
  private final MiniBatchWeight ofInitial;

  /** Takes ownership. */
  MiniBatchAverages(MiniBatchSums sums) {
    this.sums = sums;
    this.ofInitial = MiniBatchWeight.of(sums.terms.keep(), 1, sums.miniBatches);
  }

  /** A mini-batch with too few finite values in a channel: its name and the first such channel. */
  public record IncompleteMiniBatch(String miniBatch, int channel) implements Serializable {
    private static final long serialVersionUID = 1L;
  }

  /** C. */
  public int channels() {
    return sums.channels();
  }

  /** Mini-batches with enough values, finite or not. */
  public long miniBatches() {
    return sums.miniBatches;
  }

  /** Mini-batches with enough finite values in this channel. */
  public long batches(int channel) {
    return sums.batches[channel];
  }

  /**
   * E_B[mu_B] of a channel, if all weigh the same.
   *
   * @param target the floating-point type to round to
   * @throws IllegalStateException if no mini-batch counts there
   */
  public double averageMean(int channel, DType target) {
    return average(sums.means.value(channel), channel, target);
  }

  /**
   * The average of the mini-batches' variances in a channel, if all weigh the same: for unbiased
   * ones, m/(m-1) E_B[sigma_B^2]. Infinite if one of them exceeds a double.
   *
   * @param target the floating-point type to round to
   * @throws IllegalStateException if no mini-batch counts there
   */
  public double averageVariance(int channel, DType target) {
    double average = average(sums.variances.value(channel), channel, target);
    return sums.overflowed[channel] > 0 ? Double.POSITIVE_INFINITY : average;
  }

  private double average(BigInteger sum, int channel, DType target) {
    if (batches(channel) == 0) {
      throw new IllegalStateException(
          "channel "
              + channel
              + " has no mini-batch with n >= "
              + sums.terms.variance().leastCount());
    }
    return CorrectRounding.to(target)
        .round(sum, BigInteger.valueOf(batches(channel)), ProductSums.UNIT_EXPONENT);
  }

  /**
   * What {@code r <- keep r + fresh mu_b} makes of a running mean in all mini-batches, in their
   * order.
   *
   * @param initial where it starts; what is not finite stays for ever
   * @param target the floating-point type to round to, once
   */
  public double decayedMean(int channel, double initial, DType target) {
    return Double.isFinite(initial) ? decayed(sums.means.value(channel), initial, target) : initial;
  }

  /**
   * The same of a running variance; infinite if a mini-batch's variance exceeds a double.
   *
   * @param initial where it starts; what is not finite stays for ever
   * @param target the floating-point type to round to, once
   */
  public double decayedVariance(int channel, double initial, DType target) {
    if (!Double.isFinite(initial)) {
      return initial;
    }
    return sums.overflowed[channel] > 0
        ? Double.POSITIVE_INFINITY
        : decayed(sums.variances.value(channel), initial, target);
  }

  private double decayed(BigInteger sum, double initial, DType target) {
    ProductSums start = ProductSums.zeros(1);
    start.add(0, ofInitial, initial);
    return CorrectRounding.to(target)
        .round(sum.add(start.value(0)), BigInteger.ONE, ProductSums.UNIT_EXPONENT);
  }

  /**
   * The variance (B - 1) of the mini-batches' means in a channel, if all weigh the same: 0 if there
   * is one.
   */
  public double varianceOfMeans(int channel) {
    long batches = batches(channel);
    if (batches < 2) {
      return 0;
    }
    // (B Q - S^2) / (B (B - 1)), in units of the square of S's.
    BigInteger count = BigInteger.valueOf(batches);
    BigInteger sum = sums.means.value(channel);
    BigInteger squares = sums.squares.value(channel).shiftLeft(-ProductSums.UNIT_EXPONENT);
    return CorrectRounding.to(DType.F64)
        .round(
            count.multiply(squares).subtract(sum.multiply(sum)),
            count.multiply(BigInteger.valueOf(batches - 1)),
            2 * ProductSums.UNIT_EXPONENT);
  }

  /** The average of 1 / rows over all mini-batches with enough values; NaN if there are none. */
  public double averageReciprocalRows() {
    return miniBatches() == 0
        ? Double.NaN
        : CorrectRounding.to(DType.F64)
            .round(
                sums.reciprocalRows.value(0),
                BigInteger.valueOf(miniBatches()),
                ProductSums.UNIT_EXPONENT);
  }

  /** The first mini-batch, by name, with a single finite value in a channel, if there is any. */
  public Optional<IncompleteMiniBatch> incomplete() {
    return Optional.ofNullable(sums.incomplete);
  }

  /** The first of those whose single finite value is the only value it has in that channel. */
  public Optional<IncompleteMiniBatch> incompleteAllFinite() {
    return Optional.ofNullable(sums.incompleteAllFinite);
  }

  /**
   * The first mini-batch, by name, that has enough values in a channel, but not enough finite ones.
   */
  public Optional<IncompleteMiniBatch> lacking() {
    return Optional.ofNullable(sums.lacking);
  }
}
