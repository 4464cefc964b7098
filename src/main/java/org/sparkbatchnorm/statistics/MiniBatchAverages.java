package org.sparkbatchnorm.statistics;

import java.io.Serializable;
import java.util.Optional;

/**
 * Sums over whole mini-batches of one layer, for estimators that average mini-batches (arXiv
 * 1502.03167, Algorithm 2): per channel B, the sum of the means mu_b, and the sum of the unbiased
 * variances u_b = m/(m-1) sigma_b^2.
 *
 * <p>A mini-batch counts, for a channel, if it has at least two finite values there. One with none
 * is left out of B. One with exactly one has no u_b: it is left out too, and the first such one is
 * remembered. Immutable; {@link #plus} adds up, in any order to rounding.
 */
public final class MiniBatchAverages implements Serializable {
  private static final long serialVersionUID = 1L;

  private final long[] batches;
  private final double[] meanSum;
  private final double[] varianceSum;
  private final IncompleteMiniBatch incomplete;
  private final IncompleteMiniBatch incompleteAllFinite;

  private MiniBatchAverages(
      long[] batches,
      double[] meanSum,
      double[] varianceSum,
      IncompleteMiniBatch incomplete,
      IncompleteMiniBatch incompleteAllFinite) {
    this.batches = batches;
    this.meanSum = meanSum;
    this.varianceSum = varianceSum;
    this.incomplete = incomplete;
    this.incompleteAllFinite = incompleteAllFinite;
  }

  /** A mini-batch with a single finite value in a channel: its name and the first such channel. */
  public record IncompleteMiniBatch(String miniBatch, int channel) implements Serializable {
    private static final long serialVersionUID = 1L;
  }

  /** No mini-batch. */
  public static MiniBatchAverages none(int channels) {
    return new MiniBatchAverages(
        new long[channels], new double[channels], new double[channels], null, null);
  }

  /**
   * One mini-batch.
   *
   * @param name what messages call it
   */
  public static MiniBatchAverages of(ChannelMoments moments, String name) {
    int channels = moments.channels();
    MiniBatchAverages one = none(channels);
    IncompleteMiniBatch incomplete = null;
    IncompleteMiniBatch incompleteAllFinite = null;
    for (int c = 0; c < channels; c++) {
      if (moments.count(c) >= 2) {
        one.batches[c] = 1;
        one.meanSum[c] = moments.mean(c);
        one.varianceSum[c] = moments.unbiasedVariance(c);
      } else if (moments.count(c) == 1) {
        IncompleteMiniBatch found = new IncompleteMiniBatch(name, c);
        incomplete = first(incomplete, found);
        if (moments.nonFinite().inChannel(c) == 0) {
          incompleteAllFinite = first(incompleteAllFinite, found);
        }
      }
    }
    return new MiniBatchAverages(
        one.batches, one.meanSum, one.varianceSum, incomplete, incompleteAllFinite);
  }

  /**
   * The sums over both sets of mini-batches.
   *
   * @throws IllegalArgumentException if the number of channels differs
   */
  public MiniBatchAverages plus(MiniBatchAverages other) {
    if (other.channels() != channels()) {
      throw new IllegalArgumentException(
          "cannot add mini-batches of " + channels() + " and " + other.channels() + " channels");
    }
    MiniBatchAverages sum = none(channels());
    for (int c = 0; c < channels(); c++) {
      sum.batches[c] = batches[c] + other.batches[c];
      sum.meanSum[c] = meanSum[c] + other.meanSum[c];
      sum.varianceSum[c] = varianceSum[c] + other.varianceSum[c];
    }
    return new MiniBatchAverages(
        sum.batches,
        sum.meanSum,
        sum.varianceSum,
        first(incomplete, other.incomplete),
        first(incompleteAllFinite, other.incompleteAllFinite));
  }

  /** By name and channel, so that the one reported does not depend on the order of merging. */
  private static IncompleteMiniBatch first(IncompleteMiniBatch a, IncompleteMiniBatch b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    int order = a.miniBatch().compareTo(b.miniBatch());
    return order < 0 || (order == 0 && a.channel() <= b.channel()) ? a : b;
  }

  /** C. */
  public int channels() {
    return batches.length;
  }

  /** B: mini-batches with at least two values in this channel. */
  public long batches(int channel) {
    return batches[channel];
  }

  /**
   * E_B[mu_B] of a channel.
   *
   * @throws IllegalStateException if no mini-batch counts there
   */
  public double averageMean(int channel) {
    return meanSum[channel] / requireBatches(channel);
  }

  /**
   * m/(m-1) E_B[sigma_B^2] of a channel: the average of the mini-batches' unbiased variances.
   *
   * @throws IllegalStateException if no mini-batch counts there
   */
  public double averageUnbiasedVariance(int channel) {
    return varianceSum[channel] / requireBatches(channel);
  }

  private long requireBatches(int channel) {
    if (batches[channel] == 0) {
      throw new IllegalStateException(
          "channel " + channel + " has no mini-batch with at least 2 values");
    }
    return batches[channel];
  }

  /** The first mini-batch, by name, with a single finite value in a channel, if there is any. */
  public Optional<IncompleteMiniBatch> incomplete() {
    return Optional.ofNullable(incomplete);
  }

  /** The first of those whose single finite value is the only value it has in that channel. */
  public Optional<IncompleteMiniBatch> incompleteAllFinite() {
    return Optional.ofNullable(incompleteAllFinite);
  }
}
