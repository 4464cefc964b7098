package org.sparkbatchnorm.statistics;

/**
 * The part of the exact sums that costs something, for values given as the bits of a binary32:
 * integer sums of significands and of their squares, one for each exponent, so that no element
 * needs a shift or a carry. With s the sign, e the 8 bits of the exponent and m the significand
 * (with its hidden bit unless e = 0), {@code |x| = m * 2^(max(e, 1) - 150)}:
 *
 * <pre>{@code
 * A[s, e] += m
 * B[e]    += m * m
 * S += (A[0, e] - A[1, e]) * 2^(max(e, 1) - 150)       when flushed
 * Q += B[e] * 2^(2 * (max(e, 1) - 150))
 * }</pre>
 *
 * <p>Nothing overflows: a channel is flushed before it holds more than 65,536 values, m &lt; 2^24,
 * so A &lt; 2^40 and B &lt; 2^16 * 2^48 = 2^64, which an unsigned long holds.
 *
 * <p>Buckets are 6 KiB for each channel that was met, up to {@value #MOST_CHANNELS} channels: 24
 * MiB. Beyond that there is one set for all, flushed after each run, and runs shorter than {@value
 * #SHORT_RUN} go straight to the sums. Not thread-safe.
 */
final class ExponentBuckets {
  /** More channels than this share their buckets. */
  static final int MOST_CHANNELS = 4_096;

  /** A flush costs about as much as adding this many values without buckets. */
  static final int SHORT_RUN = 64;

  /** Values a channel may hold unflushed; see the proof above. */
  static final int MOST_PENDING = 65_536;

  private static final int EXPONENTS = 256;
  private static final int NON_FINITE = 255;
  private static final int SQUARES = 2 * EXPONENTS;
  private static final int BUCKETS = 3 * EXPONENTS;

  private final ExactSums sums;
  private final boolean shared;
  private final long[][] buckets;
  private final int[] pending;

  ExponentBuckets(ExactSums sums) {
    this.sums = sums;
    shared = sums.channels() > MOST_CHANNELS;
    int sets = shared ? 1 : sums.channels();
    buckets = new long[sets][];
    pending = new int[sets];
  }

  /**
   * Adds S and Q of one channel's values: elements {@code from, from + stride, ...} below {@code
   * to}, at most {@link #MOST_PENDING}. What is not finite is left out.
   *
   * @return whether all values are finite
   */
  boolean add(int channel, int[] bits, int from, int to, int stride) {
    int values = (to - from - 1) / stride + 1;
    if (shared && values < SHORT_RUN) {
      return addDirectly(channel, bits, from, to, stride);
    }
    int set = shared ? 0 : channel;
    if (pending[set] + values > MOST_PENDING) {
      flush(channel, set);
    }
    if (buckets[set] == null) {
      buckets[set] = new long[BUCKETS];
    }
    long[] own = buckets[set];
    fill(own, bits, from, to, stride);
    pending[set] += values;
    // Not 0 if anything went in: the hidden bit is in each m, and nothing overflowed.
    boolean finite = own[SQUARES + NON_FINITE] == 0;
    if (!finite) {
      own[NON_FINITE] = 0;
      own[EXPONENTS + NON_FINITE] = 0;
      own[SQUARES + NON_FINITE] = 0;
    }
    if (shared) {
      flush(channel, 0);
    }
    return finite;
  }

  private static void fill(long[] own, int[] bits, int from, int to, int stride) {
    for (int i = from; i < to; i += stride) {
      int b = bits[i];
      int signAndExponent = b >>> 23;
      int e = signAndExponent & NON_FINITE;
      long m = significand(b, e);
      own[signAndExponent] += m;
      own[SQUARES + e] += m * m;
    }
  }

  /** With bit 23 set unless e = 0: the only e for which -e has no ones up there. */
  private static int significand(int bits, int e) {
    return (bits & 0x7fffff) | (-e >>> 8 & 0x800000);
  }

  private static int unitExponent(int e) {
    return Math.max(e, 1) - 150;
  }

  private boolean addDirectly(int channel, int[] bits, int from, int to, int stride) {
    boolean finite = true;
    for (int i = from; i < to; i += stride) {
      int b = bits[i];
      int e = b >>> 23 & NON_FINITE;
      if (e == NON_FINITE) {
        finite = false;
      } else {
        long m = significand(b, e);
        sums.addToSum(channel, b < 0 ? -m : m, unitExponent(e));
        sums.addToSquares(channel, m * m, 2 * unitExponent(e));
      }
    }
    return finite;
  }

  /** Brings everything to the sums and lets go of the buckets. */
  void flush() {
    for (int c = 0; c < buckets.length; c++) {
      if (buckets[c] != null) {
        if (!shared) {
          flush(c, c);
        }
        buckets[c] = null;
      }
    }
  }

  private void flush(int channel, int set) {
    long[] own = buckets[set];
    for (int e = 0; e < NON_FINITE; e++) {
      if (own[SQUARES + e] != 0) {
        sums.addToSum(channel, own[e] - own[EXPONENTS + e], unitExponent(e));
        sums.addToSquares(channel, own[SQUARES + e], 2 * unitExponent(e));
        own[e] = 0;
        own[EXPONENTS + e] = 0;
        own[SQUARES + e] = 0;
      }
    }
    pending[set] = 0;
  }
}
