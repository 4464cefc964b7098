package org.sparkbatchnorm.statistics;

import java.io.Serializable;
import java.util.Optional;
import org.sparkbatchnorm.tensor.DType;

/**
 * Averages over whole mini-batches of one layer, for estimators that give every mini-batch the same
 * weight (arXiv 1502.03167, Algorithm 2): per channel B, and the exact sums of the means mu_b and
 * of the unbiased variances u_b = m/(m-1) sigma_b^2, each of which was rounded to a double. So they
 * depend on the mini-batches, and not on the order in which those arrive.
 *
 * <p>A mini-batch counts, for a channel, if it has at least two finite values there. One with none
 * is left out of B. One with exactly one has no u_b: it is left out too, and the first such one is
 * remembered. Immutable; {@link #plus} adds up.
 */
public final class MiniBatchAverages implements Serializable {
  private static final long serialVersionUID = 1L;

  private final ExactMoments means;
  private final ExactMoments variances;
  private final IncompleteMiniBatch incomplete;
  private final IncompleteMiniBatch incompleteAllFinite;

  private MiniBatchAverages(
      ExactMoments means,
      ExactMoments variances,
      IncompleteMiniBatch incomplete,
      IncompleteMiniBatch incompleteAllFinite) {
    this.means = means;
    this.variances = variances;
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
        ExactMoments.none(channels), ExactMoments.none(channels), null, null);
  }

  /**
   * One mini-batch.
   *
   * @param name what messages call it
   */
  public static MiniBatchAverages of(ChannelMoments moments, String name) {
    int channels = moments.channels();
    ExactSums means = ExactSums.forChannels(channels);
    ExactSums variances = ExactSums.forChannels(channels);
    NonFiniteCounts overflowed = NonFiniteCounts.none(channels);
    IncompleteMiniBatch incomplete = null;
    IncompleteMiniBatch incompleteAllFinite = null;
    for (int c = 0; c < channels; c++) {
      if (moments.count(c) >= 2) {
        means.add(c, moments.mean(c));
        double variance = moments.unbiasedVariance(c);
        if (Double.isFinite(variance)) {
          variances.add(c, variance);
        } else {
          overflowed.count(c, variance);
        }
      } else if (moments.count(c) == 1) {
        IncompleteMiniBatch found = new IncompleteMiniBatch(name, c);
        incomplete = first(incomplete, found);
        if (moments.nonFinite().inChannel(c) == 0) {
          incompleteAllFinite = first(incompleteAllFinite, found);
        }
      }
    }
    return new MiniBatchAverages(
        new ExactMoments(means, NonFiniteCounts.none(channels)),
        new ExactMoments(variances, overflowed),
        incomplete,
        incompleteAllFinite);
  }

  /**
   * The averages over both sets of mini-batches.
   *
   * @throws IllegalArgumentException if the number of channels differs
   */
  public MiniBatchAverages plus(MiniBatchAverages other) {
    if (other.channels() != channels()) {
      throw new IllegalArgumentException(
          "cannot add mini-batches of " + channels() + " and " + other.channels() + " channels");
    }
    return new MiniBatchAverages(
        means.merge(other.means),
        variances.merge(other.variances),
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
    return means.channels();
  }

  /** B: mini-batches with at least two values in this channel. */
  public long batches(int channel) {
    return means.count(channel);
  }

  /**
   * E_B[mu_B] of a channel.
   *
   * @param target the floating-point type to round to
   * @throws IllegalStateException if no mini-batch counts there
   */
  public double averageMean(int channel, DType target) {
    requireBatches(channel);
    return means.mean(channel, target);
  }

  /**
   * m/(m-1) E_B[sigma_B^2] of a channel: the average of the mini-batches' unbiased variances;
   * infinite if one of them exceeds a double.
   *
   * @param target the floating-point type to round to
   * @throws IllegalStateException if no mini-batch counts there
   */
  public double averageUnbiasedVariance(int channel, DType target) {
    requireBatches(channel);
    return variances.nonFinite().inChannel(channel) > 0
        ? Double.POSITIVE_INFINITY
        : variances.mean(channel, target);
  }

  private void requireBatches(int channel) {
    if (batches(channel) == 0) {
      throw new IllegalStateException(
          "channel " + channel + " has no mini-batch with at least 2 values");
    }
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
