package org.sparkbatchnorm.statistics;

import java.util.Arrays;

/**
 * Exact sums in lanes of L 64-bit integers: what {@link CertifiedLoops} add to, and what goes from
 * there to the limbs of {@link ExactSums}. A slot is L lanes that share a window, W = 2^(top+1)
 * above all of its values, and a number of steps, each of which added one value per lane. A lane
 * holds
 *
 * <pre>
 *        sum of the bits of        so that                              in units of
 * S      f = x + M                 S - n bits(M) = sum x, coarse        2^(top-50)
 * Q      g = x^2 + M0              Q - n bits(M0) = sum x^2, coarse     2^(2 top-50)
 * R      p + M1                    R - n bits(M1) = rest of x^2         2^(2 top-101)
 * S1     y + A1                    S1 - n bits(A1) = rest of x          2^(top-76)
 * T      z + M2                    T - n bits(M2) = rest of the rest    2^(2 top-152)
 *
 * M = 3 W    A1 = 2^-26 M    M0 = W^2    M1 = 3 * 2^-52 M0    M2 = 2^-51 M1
 * </pre>
 *
 * S1 and T are there for wide steps only. Within a binade the bits of consecutive doubles are
 * consecutive integers, and so are those of the next power of two: added as integers they are
 * fixed-point numbers with a bias, here taken off modulo 2^64. Nothing is lost: a step adds at most
 * 2^51 units to S in magnitude (|x| &lt; W), less than 2^52 to Q (never negative), at most 2^50 to
 * R (half an ulp of M0; f64 adds two values), 2^25 to S1 (half an ulp of M), 2^51 to T (an ulp of
 * M1); so after {@value #MOST_STEPS} steps S, R, S1 and T are below 2^63 in magnitude, and so is Q,
 * with 2^63 to spare when read as unsigned.
 *
 * <p>Mutable, not thread-safe; the loops know its fields.
 */
final class LaneSums {
  /** Steps between flushes; see the proof above. */
  static final int MOST_STEPS = 2_048;

  /** Added to a slot's steps: the loop for narrow pieces must leave it alone. */
  static final int RESERVED = 1 << 20;

  /** Bits of a window below its top that S resolves. */
  static final int NARROW_BITS = 50;

  /** Bits of a window below its top that S1 resolves. */
  static final int WIDE_BITS = 76;

  /** M / W. */
  static final double SUM_BIAS = 3;

  /** A1 / W. */
  static final double REST_BIAS = 3 * 0x1p-26;

  /** M1 / M0. */
  static final double SQUARE_REST_BIAS = 3 * 0x1p-52;

  /** M2 / M0. */
  static final double SQUARE_LAST_BIAS = 3 * 0x1p-103;

  /** Levels of every slot: S, Q and R. */
  static final int NARROW_LEVELS = 3;

  /** Further levels of wide steps: S1 and T. */
  static final int WIDE_LEVELS = 2;

  private final int lanes;
  private final int restsPerWideStep;

  /** W of each slot. */
  final double[] windows;

  /** Steps of each slot since its last flush, {@link #RESERVED} or not. */
  final int[] steps;

  /** Those of them that were wide. */
  final int[] wideSteps;

  /** S, Q and R of each slot, L longs each. */
  final long[] sums;

  /** S1 and T of each slot, L longs each. */
  final long[] rests;

  /**
   * Empty slots.
   *
   * @param restsPerWideStep how many values a wide step adds to R: 1, or 2 for f64
   */
  LaneSums(int slots, int lanes, int top, int restsPerWideStep) {
    this.lanes = lanes;
    this.restsPerWideStep = restsPerWideStep;
    windows = new double[slots];
    Arrays.fill(windows, window(top));
    steps = new int[slots];
    wideSteps = new int[slots];
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

  private static double window(int top) {
    return Math.scalb(1.0, top + 1);
  }

  /** The slot's window is |x| &lt; 2^(top+1). */
  int top(int slot) {
    return Math.getExponent(windows[slot]) - 1;
  }

  /** Moves the window; only after a flush. */
  void setTop(int slot, int top) {
    windows[slot] = window(top);
  }

  /** Steps since the last flush. */
  int steps(int slot) {
    return steps[slot] & ~RESERVED;
  }

  /** Keeps the first loop away from a slot. */
  void reserve(int slot) {
    steps[slot] |= RESERVED;
  }

  void release(int slot) {
    steps[slot] &= ~RESERVED;
  }

  /** Brings a slot's sums to the limbs and clears them. */
  void flush(int slot, LaneLayout layout, ExactSums target) {
    int n = steps(slot);
    if (n == 0) {
      return;
    }
    int wide = wideSteps[slot];
    double w = windows[slot];
    int top = top(slot);
    int at = slot * NARROW_LEVELS * lanes;
    int restAt = slot * WIDE_LEVELS * lanes;
    unbias(sums, at, n, w * SUM_BIAS);
    unbias(sums, at + lanes, n, w * w);
    unbias(sums, at + 2 * lanes, n + (restsPerWideStep - 1) * wide, w * w * SQUARE_REST_BIAS);
    if (wide > 0) {
      unbias(rests, restAt, wide, w * REST_BIAS);
      unbias(rests, restAt + lanes, wide, w * w * SQUARE_LAST_BIAS);
    }
    for (int from = 0; from < lanes; ) {
      int channel = layout.channel(slot, from);
      int to = from + 1;
      while (to < lanes && layout.channel(slot, to) == channel) {
        to++;
      }
      addToSum(target, channel, sums, at + from, at + to, top - NARROW_BITS);
      addToSquares(target, channel, sums, at + lanes + from, at + lanes + to, 2 * top - 50);
      int r = at + 2 * lanes;
      addRests(target, channel, sums, r + from, r + to, 2 * top - 101);
      if (wide > 0) {
        addToSum(target, channel, rests, restAt + from, restAt + to, top - WIDE_BITS);
        int t = restAt + lanes;
        addRests(target, channel, rests, t + from, t + to, 2 * top - 152);
      }
      from = to;
    }
    Arrays.fill(sums, at, at + NARROW_LEVELS * lanes, 0);
    if (wide > 0) {
      Arrays.fill(rests, restAt, restAt + WIDE_LEVELS * lanes, 0);
    }
    steps[slot] -= n;
    wideSteps[slot] = 0;
  }

  private void unbias(long[] words, int at, int n, double bias) {
    long biases = n * Double.doubleToRawLongBits(bias);
    for (int i = at; i < at + lanes; i++) {
      words[i] -= biases;
    }
  }

  // Many lanes of one channel are added in halves of 32 bits first: lanes * 2^32 is no overflow,
  // and
  // limbs cost more than longs.

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
