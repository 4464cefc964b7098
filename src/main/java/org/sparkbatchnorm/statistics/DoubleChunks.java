package org.sparkbatchnorm.statistics;

import java.util.Arrays;

/**
 * What {@link ExponentBuckets} are to binary32, for the bits of binary64, whose 2,048 exponents are
 * too many for buckets: fixed-point sums in chunks of 32 bits, each in a long of its own, so that
 * no element needs a carry (the small superaccumulator of Neal, arXiv 1505.05571, section 2). A
 * significand touches three chunks of S, its square five of Q.
 *
 * <p>Nothing overflows: an element adds less than 2^32 to a chunk, and a run has fewer than 2^31
 * elements. Reused from run to run: 1.6 kB. Not thread-safe.
 */
final class DoubleChunks {
  /** Emptying the chunks costs about as much as adding this many values without them. */
  static final int SHORT_RUN = 32;

  private static final int NON_FINITE = 2_047;
  private static final long LOW = 0xffff_ffffL;

  /** S is shifted by 2046 - 1 at most, which begins in chunk 63, Q by twice that: chunk 127. */
  private final long[] sumChunks = new long[63 + 3];

  private final long[] squareChunks = new long[127 + 5];

  private final ExactSums sums;

  /** Chunks for sums that are wide whenever something is added. */
  DoubleChunks(ExactSums sums) {
    this.sums = sums;
  }

  /**
   * Adds S and Q of one channel's values: elements {@code from, from + stride, ...} below {@code
   * to}. What is not finite is left out.
   *
   * @return whether all values are finite
   */
  boolean add(int channel, long[] bits, int from, int to, int stride) {
    if ((to - from - 1) / stride + 1 < SHORT_RUN) {
      return addDirectly(channel, bits, from, to, stride);
    }
    boolean finite = fill(bits, from, to, stride);
    for (int i = 0; i < sumChunks.length; i++) {
      if (sumChunks[i] != 0) {
        sums.addToSum(channel, sumChunks[i], 32 * i - 1_074);
      }
    }
    for (int i = 0; i < squareChunks.length; i++) {
      if (squareChunks[i] != 0) {
        sums.addToSquares(channel, squareChunks[i], 32 * i - 2_148);
      }
    }
    Arrays.fill(sumChunks, 0);
    Arrays.fill(squareChunks, 0);
    return finite;
  }

  private boolean addDirectly(int channel, long[] bits, int from, int to, int stride) {
    boolean finite = true;
    for (int i = from; i < to; i += stride) {
      if (((int) (bits[i] >>> 52) & NON_FINITE) == NON_FINITE) {
        finite = false;
      } else {
        sums.addFinite(channel, bits[i]);
      }
    }
    return finite;
  }

  private boolean fill(long[] bits, int from, int to, int stride) {
    long[] s = sumChunks;
    long[] q = squareChunks;
    boolean finite = true;
    for (int i = from; i < to; i += stride) {
      long b = bits[i];
      int e = (int) (b >>> 52) & NON_FINITE;
      if (e == NON_FINITE) {
        finite = false;
        continue;
      }
      long m = (b & 0xf_ffff_ffff_ffffL) | (e == 0 ? 0 : 1L << 52);
      int shift = Math.max(e, 1) - 1; // of the significand, in units of 2^-1074

      // m << r, below 2^84, as low + 2^64 high; the sign goes into each chunk.
      int at = shift >>> 5;
      int r = shift & 31;
      long sign = b >> 63;
      long low = m << r;
      long high = m >>> 1 >>> (63 - r);
      s[at] += ((low & LOW) ^ sign) - sign;
      s[at + 1] += ((low >>> 32) ^ sign) - sign;
      s[at + 2] += (high ^ sign) - sign;

      // m * m << r, below 2^137, as low + 2^64 middle + 2^128 top.
      at = shift >>> 4;
      r = 2 * shift & 31;
      long product = m * m;
      long productHigh = Math.multiplyHigh(m, m);
      low = product << r;
      long middle = productHigh << r | product >>> 1 >>> (63 - r);
      long top = productHigh >>> 1 >>> (63 - r);
      q[at] += low & LOW;
      q[at + 1] += low >>> 32;
      q[at + 2] += middle & LOW;
      q[at + 3] += middle >>> 32;
      q[at + 4] += top;
    }
    return finite;
  }
}
