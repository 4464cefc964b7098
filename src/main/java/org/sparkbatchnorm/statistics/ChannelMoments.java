package org.sparkbatchnorm.statistics;

import java.io.Serializable;
import java.util.Optional;
import org.sparkbatchnorm.tensor.DType;

/**
 * The sufficient statistics of the finite values of each of C channels, and how many values were
 * NaN or infinite: what count, mean and variance are taken from, and what can be merged with that
 * of other values of the same channels. Which numbers represent it is private to this room; {@link
 * Accumulation} is the choice. Immutable; merging is commutative to the bit.
 *
 * <p>Statistics are asked for in the type they will be stored in, and rounded to it. Counts are
 * exact up to 2^63 - 1.
 */
public abstract class ChannelMoments implements Serializable {
  private static final long serialVersionUID = 1L;

  ChannelMoments() {}

  /**
   * The moments of no values; the identity of {@link #merge}.
   *
   * @throws IllegalArgumentException if the number of channels is negative
   */
  public static ChannelMoments empty(int channels, Accumulation accumulation) {
    if (channels < 0) {
      throw new IllegalArgumentException("negative number of channels: " + channels);
    }
    return switch (accumulation) {
      case EXACT -> ExactMoments.none(channels);
      case WELFORD -> WelfordMoments.none(channels);
    };
  }

  /** C. */
  public abstract int channels();

  /** Number of finite values of a channel. */
  public abstract long count(int channel);

  /**
   * Mean of a channel's finite values.
   *
   * @param target the floating-point type to round to
   * @throws IllegalStateException if there are none
   */
  public abstract double mean(int channel, DType target);

  /**
   * M2 / n: the variance of the values themselves, at least 0.
   *
   * @param target the floating-point type to round to
   * @throws IllegalStateException if there are none
   */
  public abstract double biasedVariance(int channel, DType target);

  /**
   * M2 / (n - 1): the unbiased estimate of the variance of the population they were drawn from, at
   * least 0.
   *
   * @param target the floating-point type to round to
   * @throws IllegalStateException if there are fewer than two values
   */
  public abstract double unbiasedVariance(int channel, DType target);

  /** Whether the channel has values and all its finite values are equal. */
  public abstract boolean isConstant(int channel);

  /** How many values were not finite; they are in no other number here. */
  public abstract NonFiniteCounts nonFinite();

  /** How the sums were kept. */
  public abstract Accumulation accumulation();

  /**
   * The moments of both sets of values together.
   *
   * @throws IllegalArgumentException if the number of channels or the accumulation differs
   * @throws ArithmeticException if a count exceeds 2^63 - 1
   */
  public abstract ChannelMoments merge(ChannelMoments other);

  /**
   * The one encoding of this state: the same values give the same bytes, whatever they were stored
   * as, and in whatever order and grouping they were counted; {@link Fingerprint} hashes it. Empty
   * for {@link Accumulation#WELFORD}, whose last bits depend on the order.
   */
  public abstract Optional<byte[]> canonicalBytes();

  /** {@link #mean(int, DType)} as a double. */
  public final double mean(int channel) {
    return mean(channel, DType.F64);
  }

  /** {@link #biasedVariance(int, DType)} as a double. */
  public final double biasedVariance(int channel) {
    return biasedVariance(channel, DType.F64);
  }

  /** {@link #unbiasedVariance(int, DType)} as a double. */
  public final double unbiasedVariance(int channel) {
    return unbiasedVariance(channel, DType.F64);
  }

  /**
   * Checks that two states can be merged.
   *
   * @throws IllegalArgumentException if not
   */
  final void requireMergeable(ChannelMoments other) {
    if (other.channels() != channels()) {
      throw new IllegalArgumentException(
          "cannot merge moments of " + channels() + " and " + other.channels() + " channels");
    }
    if (other.accumulation() != accumulation()) {
      throw new IllegalArgumentException(
          "cannot merge "
              + accumulation().word()
              + " and "
              + other.accumulation().word()
              + " moments");
    }
  }

  /**
   * Checks that a channel has enough values.
   *
   * @throws IllegalStateException if not
   */
  static long requireCount(long count, int channel, long needed, String what) {
    if (count < needed) {
      throw new IllegalStateException(
          "channel "
              + channel
              + " has "
              + count
              + (count == 1 ? " value" : " values")
              + ", but "
              + what
              + " needs at least "
              + needed);
    }
    return count;
  }
}
