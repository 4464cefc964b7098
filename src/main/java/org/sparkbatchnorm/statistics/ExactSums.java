package org.sparkbatchnorm.statistics;

import java.math.BigInteger;
import java.util.Arrays;

/**
 * The exact sufficient statistics of C channels: the number n of their finite values, S = sum x and
 * Q = sum x^2, without any rounding. Merging is integer addition: associative, commutative, and so
 * the same whatever the partitioning and the order.
 *
 * <pre>
 *          unit of S   longs   unit of Q   longs   holds
 * NARROW   2^-149      6       2^-298      10      f16, bf16, f32 and all integers
 * WIDE     2^-1074     34      2^-2148     67      f64 as well
 * </pre>
 *
 * <p>Nothing overflows, as n &lt;= 2^63 - 1 is enforced: NARROW values are multiples of 2^-149
 * below 2^128 (integers: below 2^64), so |S| &lt; 2^(149 + 128 + 63) = 2^340 units of 383 bits and
 * a sign, and Q &lt; 2^(298 + 256 + 63) = 2^617 of 639; WIDE ones are multiples of 2^-1074 below
 * 2^1024, so |S| &lt; 2^(1074 + 1024 + 63) = 2^2161 of 2175, and Q &lt; 2^(2148 + 2048 + 63) =
 * 2^4259 of 4287. Between two additions that belong together, as of positive and negative parts, S
 * and Q may be anything: they are exact modulo two to their width.
 *
 * <p>States begin NARROW and widen when they must. Mutable, not thread-safe. Neal, arXiv
 * 1505.05571; Demmel, Ahrens, Nguyen, EECS-2015-229.
 */
final class ExactSums {
  private static final int NARROW_UNIT = -149;
  private static final int WIDE_UNIT = -1074;
  private static final int WIDE_SUM_LIMBS = 34;
  private static final int WIDE_SQUARES_LIMBS = 67;

  private final long[] count;
  private FixedPoint sums;
  private FixedPoint squares;

  private ExactSums(long[] count, FixedPoint sums, FixedPoint squares) {
    this.count = count;
    this.sums = sums;
    this.squares = squares;
  }

  /** No values; the identity of {@link #merge}. */
  static ExactSums forChannels(int channels) {
    if (channels < 0) {
      throw new IllegalArgumentException("negative number of channels: " + channels);
    }
    return new ExactSums(new long[channels], narrowSums(channels), narrowSquares(channels));
  }

  private static FixedPoint narrowSums(int channels) {
    return FixedPoint.zeros(channels, 6, NARROW_UNIT);
  }

  private static FixedPoint narrowSquares(int channels) {
    return FixedPoint.zeros(channels, 10, 2 * NARROW_UNIT);
  }

  /** C. */
  int channels() {
    return count.length;
  }

  ExactSums copy() {
    return new ExactSums(count.clone(), sums.copy(), squares.copy());
  }

  /** Forgets everything, the width included. */
  void clear() {
    Arrays.fill(count, 0);
    if (isWide()) {
      sums = narrowSums(channels());
      squares = narrowSquares(channels());
    } else {
      sums.clear();
      squares.clear();
    }
  }

  private boolean isWide() {
    return sums.unitExponent() == WIDE_UNIT;
  }

  /** Makes room for f64 values; to be called before any is added. */
  void requireWide() {
    if (!isWide()) {
      sums = sums.widened(WIDE_SUM_LIMBS, WIDE_UNIT);
      squares = squares.widened(WIDE_SQUARES_LIMBS, 2 * WIDE_UNIT);
    }
  }

  /**
   * {@code S += value * 2^exponent}. An exponent below that of S's unit is as good as any, if the
   * value makes up for it.
   *
   * @throws ArithmeticException if that is no multiple of the unit of S, or out of its range
   */
  void addToSum(int channel, long value, int exponent) {
    sums.add(channel, value, exponent);
  }

  /** {@code Q += value * 2^exponent}, value unsigned; under the conditions of {@link #addToSum}. */
  void addToSquares(int channel, long value, int exponent) {
    squares.addUnsigned(channel, value, exponent);
  }

  /** {@code Q += value * 2^exponent}, value signed: the corrections of rounded sums of squares. */
  void addSignedToSquares(int channel, long value, int exponent) {
    squares.add(channel, value, exponent);
  }

  /**
   * {@code n += values}.
   *
   * @throws ArithmeticException if the count exceeds 2^63 - 1; it is then as it was
   */
  void addToCount(int channel, long values) {
    count[channel] = Math.addExact(count[channel], values);
  }

  /** Adds one finite double. */
  void add(int channel, double value) {
    requireWide();
    addToCount(channel, 1);
    addFinite(channel, Double.doubleToRawLongBits(value));
  }

  /** S and Q of one finite double, given by its bits; n and the width are the caller's business. */
  void addFinite(int channel, long bits) {
    int biased = (int) (bits >>> 52) & 0x7ff;
    long significand = (bits & 0xf_ffff_ffff_ffffL) | (biased == 0 ? 0 : 1L << 52);
    int exponent = Math.max(biased, 1) - 1075;
    sums.add(channel, bits < 0 ? -significand : significand, exponent);
    // The square of a significand below 2^53 is below 2^106: two 64-bit halves.
    squares.addUnsigned(channel, significand * significand, 2 * exponent);
    squares.addUnsigned(channel, Math.multiplyHigh(significand, significand), 2 * exponent + 64);
  }

  /** Adds whole sums, as they were encoded. */
  void add(int channel, long values, BigInteger sum, int sumUnit, BigInteger ofSquares, int unit) {
    addToCount(channel, values);
    sums.add(channel, sum, sumUnit);
    squares.add(channel, ofSquares, unit);
  }

  /**
   * Adds the values of another state.
   *
   * @throws IllegalArgumentException if the number of channels differs
   * @throws ArithmeticException if a count exceeds 2^63 - 1; this state is then as it was
   */
  void merge(ExactSums other) {
    if (other.channels() != channels()) {
      throw new IllegalArgumentException(
          "cannot merge sums of " + channels() + " and " + other.channels() + " channels");
    }
    long[] merged = new long[count.length];
    for (int c = 0; c < merged.length; c++) {
      merged[c] = Math.addExact(count[c], other.count[c]);
    }
    System.arraycopy(merged, 0, count, 0, merged.length);
    if (other.isWide()) {
      requireWide();
    }
    sums.addAll(other.sums);
    squares.addAll(other.squares);
  }

  /** n. */
  long count(int channel) {
    return count[channel];
  }

  /** Longs that hold S or Q of a channel. */
  int mostLimbs() {
    return Math.max(sums.limbs(), squares.limbs());
  }

  /**
   * |S| in units of 2^{@link #unitExponent()}, as {@link FixedPoint#magnitude}.
   *
   * @return the sign of S
   */
  int sumMagnitude(int channel, long[] into) {
    return sums.magnitude(channel, into);
  }

  /** Q in units of the square of S's unit, as {@link #sumMagnitude}. */
  int squaresMagnitude(int channel, long[] into) {
    return squares.magnitude(channel, into);
  }

  /** S in units of 2^{@link #unitExponent()}. */
  BigInteger sum(int channel) {
    return sums.value(channel);
  }

  /** Q in units of the square of S's unit. */
  BigInteger squares(int channel) {
    return squares.value(channel);
  }

  /** The unit of S is 2 to this power, that of Q its square. */
  int unitExponent() {
    return sums.unitExponent();
  }
}
