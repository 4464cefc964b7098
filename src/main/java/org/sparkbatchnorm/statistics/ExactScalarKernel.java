package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Adds blocks of arrays to exact sums, in plain Java: the reference for any faster kernel, and what
 * takes the values that one refuses. Every element type is exact, I64 beyond 2^53 included.
 *
 * <p>f16, bf16 and f32 go through {@link ExponentBuckets}; the sums lack what is still in there
 * until {@link #flush}; f64 through {@link DoubleChunks}, integers straight to the sums. Values
 * that are not finite are counted apart, at once. Memory: 384 KiB and the buckets. Not thread-safe.
 */
final class ExactScalarKernel implements ExactKernel {
  /** Elements decoded at a time: 128 or 256 KiB, which stay in a second-level cache. */
  private static final int PIECE = 32_768;

  private final ExactSums sums;
  private final NonFiniteCounts nonFinite;
  private final ExponentBuckets buckets;
  private final DoubleChunks chunks;
  private int[] bits = new int[0];
  private long[] longs = new long[0];

  /** A kernel that adds to these sums and counts. */
  ExactScalarKernel(ExactSums sums, NonFiniteCounts nonFinite) {
    this.sums = sums;
    this.nonFinite = nonFinite;
    buckets = new ExponentBuckets(sums);
    chunks = new DoubleChunks(sums);
  }

  /**
   * Adds the values of a block.
   *
   * @return position in the whole array of the first value that is not finite, or {@link
   *     #ALL_FINITE}
   * @throws IllegalArgumentException if the block's array has another number of channels
   * @throws ArithmeticException if a count exceeds 2^63 - 1
   */
  @Override
  public long add(TensorBlock block) {
    DType dtype = block.dtype();
    ChannelView view = block.view();
    if (view.channels() != sums.channels()) {
      throw new IllegalArgumentException(
          "expected " + sums.channels() + " channels, not " + view.channels());
    }
    if (dtype == DType.F64) {
      sums.requireWide();
    }
    ByteBuffer bytes = block.bytes().duplicate().order(block.bytes().order());
    ChannelRuns runs = new ChannelRuns(view);
    long firstNonFinite = ALL_FINITE;
    for (int done = 0, all = block.elements(); done < all; ) {
      int piece = Math.min(PIECE, all - done);
      long position = block.firstElement() + done;
      runs.start(position, piece);
      int found = addPiece(dtype, bytes, piece, runs);
      if (found >= 0 && firstNonFinite == ALL_FINITE) {
        firstNonFinite = position + found;
      }
      bytes.position(bytes.position() + piece * dtype.bytes());
      done += piece;
    }
    return firstNonFinite;
  }

  /** Brings what is pending to the sums, and frees its memory. */
  @Override
  public void flush() {
    buckets.flush();
  }

  /** Index in the piece of the first value that is not finite, or -1. */
  private int addPiece(DType dtype, ByteBuffer bytes, int n, ChannelRuns runs) {
    switch (dtype) {
      case F16, BF16, F32 -> {
        bits = bits.length < n ? new int[n] : bits;
        ElementBits.ofBinary32(dtype, bytes, bits, n);
        return addBinary32(runs);
      }
      case F64 -> {
        longs = longs.length < n ? new long[n] : longs;
        ElementBits.ofLongs(dtype, bytes, longs, n);
        return addBinary64(runs);
      }
      default -> {
        longs = longs.length < n ? new long[n] : longs;
        ElementBits.ofLongs(dtype, bytes, longs, n);
        addIntegers(runs);
        return -1;
      }
    }
  }

  private int addBinary32(ChannelRuns runs) {
    int first = -1;
    while (runs.next()) {
      int c = runs.channel();
      int values = runs.length();
      if (!buckets.add(c, bits, runs.from(), runs.to(), runs.stride())) {
        for (int i = runs.from(); i < runs.to(); i += runs.stride()) {
          float value = Float.intBitsToFloat(bits[i]);
          if (!Float.isFinite(value)) {
            nonFinite.count(c, value);
            values--;
            first = first < 0 || i < first ? i : first;
          }
        }
      }
      sums.addToCount(c, values);
    }
    return first;
  }

  private int addBinary64(ChannelRuns runs) {
    int first = -1;
    while (runs.next()) {
      int c = runs.channel();
      int values = runs.length();
      if (!chunks.add(c, longs, runs.from(), runs.to(), runs.stride())) {
        for (int i = runs.from(); i < runs.to(); i += runs.stride()) {
          double value = Double.longBitsToDouble(longs[i]);
          if (!Double.isFinite(value)) {
            nonFinite.count(c, value);
            values--;
            first = first < 0 || i < first ? i : first;
          }
        }
      }
      sums.addToCount(c, values);
    }
    return first;
  }

  /**
   * With x = 2^32 h + l, 0 &lt;= l &lt; 2^32, S = 2^32 sum h + sum l; and x^2 &lt;= 2^126 in two
   * halves, of which the low one may carry and the high one, at most 2^62, is again cut at 2^32.
   * For at most {@value #PIECE} values, all but the low half stay below 2^15 * 2^32 (and a few
   * carries).
   */
  private void addIntegers(ChannelRuns runs) {
    while (runs.next()) {
      long sum0 = 0;
      long sum32 = 0;
      long square0 = 0;
      long square64 = 0;
      long square96 = 0;
      for (int i = runs.from(); i < runs.to(); i += runs.stride()) {
        long x = longs[i];
        sum0 += x & 0xffff_ffffL;
        sum32 += x >> 32;
        long low = x * x;
        long high = Math.multiplyHigh(x, x);
        square0 += low;
        square64 += (high & 0xffff_ffffL) + (Long.compareUnsigned(square0, low) < 0 ? 1 : 0);
        square96 += high >>> 32;
      }
      int c = runs.channel();
      sums.addToSum(c, sum0, 0);
      sums.addToSum(c, sum32, 32);
      sums.addToSquares(c, square0, 0);
      sums.addToSquares(c, square64, 64);
      sums.addToSquares(c, square96, 96);
      sums.addToCount(c, runs.length());
    }
  }
}
