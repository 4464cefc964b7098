package org.sparkbatchnorm.statistics;

import java.util.Arrays;

/**
 * Exact sums in lanes of L 64-bit integers: what {@link CertifiedLoops} add to, and what goes from
 * there to the limbs of {@link ExactSums}. A slot is L lanes that share a window, W = 2^scale. Of a
 * piece, a lane gives every other value to the first and to the second of two accumulators: doubles
 * that begin at a bias, stay in its binade, and are added to the lane's integers by their bits.
 *
 * <pre>
 *        begins at             sums up                    in units of
 * S      M  = 24 W             x, coarse                  2^-48 W
 * Q      M0 = W^2              x^2, coarse                2^-52 W^2
 * R      M1 = 3 * 2^-45 W^2    rounding errors of Q       2^-96 W^2
 * S1     A1 = 3 * 2^-19 W      rounding errors of S       2^-70 W
 * T      M2 = 3 * 2^-89 W^2    rounding errors of R       2^-140 W^2
 * </pre>
 *
 * S1 and T are there for wide pieces only. Within a binade the bits of consecutive doubles are
 * consecutive integers: the difference of bits is the sum in units of the bias's ulp. {@link
 * LaneLevels} has the numbers for binary64, whose R and T take each step's bits.
 *
 * <p>Binades are not left: Q only grows, so that its last value tells; below 2 M0, an accumulator's
 * squares add up to less than W^2 (1 + 2^-46), its at most {@value #ACCUMULATOR_STEPS} values to
 * less than sqrt(63) W (1 + 2^-47) &lt; 8 W (Cauchy and Schwarz), no matter in which order. Errors
 * are at most half an ulp of what they are errors of: 63 * 2^-53 W^2 in R, 63 * 2^-49 W in S1, 63 *
 * 2^-97 W^2 in T, each less than M1 / 3, A1 / 3, M2 / 3.
 *
 * <p>Integers do not overflow: a piece adds twice, each time at most 2^51 units to S in magnitude,
 * less than 2^52 to Q (never negative), 2^50 to R, 2^27 to S1, 2^50 to T; so after 1,024 pieces S,
 * R, S1 and T are below 2^63 in magnitude, and so is Q, with 2^63 to spare when read as unsigned.
 *
 * <p>Mutable, not thread-safe; the loops know its fields.
 */
final class LaneSums {
  /** Values that an accumulator takes; see the proof above. */
  static final int ACCUMULATOR_STEPS = 63;

  /** Steps of a piece: every other one goes to the same accumulator. */
  static final int MOST_STEPS = 2 * ACCUMULATOR_STEPS;

  /** Added to a slot's pieces: the loop for narrow pieces must leave it alone. */
  static final int RESERVED = 1 << 20;

  /** Bits below a window that S resolves. */
  static final int NARROW_BITS = 48;

  /** M / W. */
  static final double SUM_BIAS = 24;

  /** Levels of every slot: S, Q and R. */
  static final int NARROW_LEVELS = 3;

  /** Further levels of wide pieces: S1 and T. */
  static final int WIDE_LEVELS = 2;

  private static final int SQUARE_BITS = 52;

  private final int lanes;

  /** What further levels resolve. */
  final LaneLevels levels;

  /** W of each slot. */
  final double[] windows;

  /** Pieces of each slot since its last flush, {@link #RESERVED} or not. */
  final int[] pieces;

  /** Those of them that were wide. */
  final int[] widePieces;

  /** S, Q and R of each slot, L longs each. */
  final long[] sums;

  /** S1 and T of each slot, L longs each. */
  final long[] rests;

  /** Empty slots whose windows are all 2^scale. */
  LaneSums(int slots, int lanes, int scale, LaneLevels levels) {
    this.lanes = lanes;
    this.levels = levels;
    windows = new double[slots];
    Arrays.fill(windows, window(scale));
    pieces = new int[slots];
    widePieces = new int[slots];
    sums = new long[Math.multiplyExact(slots, NARROW_LEVELS * lanes)];
    rests = new long[Math.multiplyExact(slots, WIDE_LEVELS * lanes)];
  }

  /** Longs that as many slots may take, for the limit on memory. */
  static long longs(long slots, int lanes) {
    return slots * (NARROW_LEVELS + WIDE_LEVELS) * lanes;
  }

  int slots() {
    return windows.length;
  }

  private static double window(int scale) {
    return Math.scalb(1.0, scale);
  }

  /** The slot's window is 2^scale. */
  int scale(int slot) {
    return Math.getExponent(windows[slot]);
  }

  /** Moves the window; only after a flush. */
  void setScale(int slot, int scale) {
    windows[slot] = window(scale);
  }

  /** Whether a slot has to be flushed before its next piece. */
  boolean isFull(int slot) {
    return pieces(slot) == levels.mostPieces;
  }

  /** Pieces since the last flush. */
  int pieces(int slot) {
    return pieces[slot] & ~RESERVED;
  }

  /** Keeps the first loop away from a slot. */
  void reserve(int slot) {
    pieces[slot] |= RESERVED;
  }

  void release(int slot) {
    pieces[slot] &= ~RESERVED;
  }

  /** Brings a slot's sums to the limbs and clears them. */
  void flush(int slot, LaneLayout layout, ExactSums target) {
    int count = pieces(slot);
    if (count == 0) {
      return;
    }
    int wide = widePieces[slot];
    double w = windows[slot];
    int scale = scale(slot);
    int at = slot * NARROW_LEVELS * lanes;
    int restAt = slot * WIDE_LEVELS * lanes;
    unbias(sums, at, count, w * SUM_BIAS);
    unbias(sums, at + lanes, count, w * w);
    unbias(sums, at + 2 * lanes, count, w * w * levels.squareRestBias);
    if (wide > 0) {
      unbias(rests, restAt, wide, w * levels.restBias);
      unbias(rests, restAt + lanes, wide, w * w * levels.squareLastBias);
    }
    for (int from = 0; from < lanes; ) {
      int channel = layout.channel(slot, from);
      int to = from + 1;
      while (to < lanes && layout.channel(slot, to) == channel) {
        to++;
      }
      addToSum(target, channel, sums, at + from, at + to, scale - NARROW_BITS);
      int q = at + lanes;
      addToSquares(target, channel, sums, q + from, q + to, 2 * scale - SQUARE_BITS);
      int r = at + 2 * lanes;
      addRests(target, channel, sums, r + from, r + to, 2 * scale - levels.squareRestBits);
      if (wide > 0) {
        addToSum(target, channel, rests, restAt + from, restAt + to, scale - levels.restBits);
        int t = restAt + lanes;
        addRests(target, channel, rests, t + from, t + to, 2 * scale - levels.squareLastBits);
      }
      from = to;
    }
    Arrays.fill(sums, at, at + NARROW_LEVELS * lanes, 0);
    if (wide > 0) {
      Arrays.fill(rests, restAt, restAt + WIDE_LEVELS * lanes, 0);
    }
    pieces[slot] -= count;
    widePieces[slot] = 0;
  }

  /** Modulo 2^64, as the loops added; a piece has two accumulators. */
  private void unbias(long[] words, int at, int count, double bias) {
    long biases = 2L * count * Double.doubleToRawLongBits(bias);
    for (int i = at; i < at + lanes; i++) {
      words[i] -= biases;
    }
  }

  // Many lanes of one channel are added in halves of 32 bits first: lanes * 2^32 is no overflow,
  // and a limb costs more than a long.

  private static void addToSum(
      ExactSums target, int channel, long[] words, int from, int to, int exponent) {
    if (to - from == 1) {
      target.addToSum(channel, words[from], exponent);
      return;
    }
    target.addToSum(channel, highHalves(words, from, to), exponent + 32);
    target.addToSum(channel, lowHalves(words, from, to), exponent);
  }

  private static void addRests(
      ExactSums target, int channel, long[] words, int from, int to, int exponent) {
    if (to - from == 1) {
      target.addSignedToSquares(channel, words[from], exponent);
      return;
    }
    target.addSignedToSquares(channel, highHalves(words, from, to), exponent + 32);
    target.addSignedToSquares(channel, lowHalves(words, from, to), exponent);
  }

  private static void addToSquares(
      ExactSums target, int channel, long[] words, int from, int to, int exponent) {
    if (to - from == 1) {
      target.addToSquares(channel, words[from], exponent);
      return;
    }
    long high = 0;
    for (int i = from; i < to; i++) {
      high += words[i] >>> 32;
    }
    target.addToSquares(channel, high, exponent + 32);
    target.addToSquares(channel, lowHalves(words, from, to), exponent);
  }

  private static long highHalves(long[] words, int from, int to) {
    long sum = 0;
    for (int i = from; i < to; i++) {
      sum += words[i] >> 32;
    }
    return sum;
  }

  private static long lowHalves(long[] words, int from, int to) {
    long sum = 0;
    for (int i = from; i < to; i++) {
      sum += words[i] & 0xffff_ffffL;
    }
    return sum;
  }
}
