package org.sparkbatchnorm.statistics;

import java.nio.DoubleBuffer;
import java.util.Arrays;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Values of f64. What no loop takes goes to {@link DoubleChunks}. */
final class Binary64Values extends LaneValues {
  /** 256 KiB, as of floats. */
  private static final int CAPACITY = 32_768;

  /** Loops read beyond the last value. */
  private static final int SLACK = 64;

  private static final long INFINITY = 0x7ff0_0000_0000_0000L;
  private static final long SIGNIFICAND = 0xf_ffff_ffff_ffffL;
  private static final long HIDDEN_BIT = SIGNIFICAND + 1;

  private final CertifiedLoops loops;
  private final ExactSums sums;
  private final DoubleChunks chunks;
  private final NonFiniteCounts nonFinite;
  private final PendingCounts counts;
  private final double[] values = new double[CAPACITY + SLACK];
  private long[] bits = new long[0];
  private DoubleBuffer doubles;

  Binary64Values(
      CertifiedLoops loops, ExactSums sums, NonFiniteCounts nonFinite, PendingCounts counts) {
    this.loops = loops;
    this.sums = sums;
    chunks = new DoubleChunks(sums);
    this.nonFinite = nonFinite;
    this.counts = counts;
  }

  @Override
  int capacity() {
    return CAPACITY;
  }

  @Override
  int width() {
    return Double.BYTES;
  }

  /** W^2 = 2^1022, so that all of its binade is finite. */
  @Override
  int maxTop() {
    return 510;
  }

  /** Squares are multiples of 2^(2 top-152): the smallest double. */
  @Override
  int minTop() {
    return -461;
  }

  @Override
  int startTop() {
    return -126;
  }

  @Override
  int firstBits() {
    return LaneSums.WIDE_BITS;
  }

  @Override
  int secondBits() {
    return 0;
  }

  @Override
  int restsPerWideStep() {
    return 2;
  }

  @Override
  void begin(TensorBlock block) {
    firstNonFinite = -1;
    sums.requireWide();
    doubles = block.bytes().slice().order(block.bytes().order()).asDoubleBuffer();
  }

  @Override
  void load(int index, int count) {
    doubles.get(values, index, count);
  }

  @Override
  void clear(int from, int to) {
    Arrays.fill(values, from, to, 0);
  }

  @Override
  int first(Piece piece, LaneSums lanes) {
    return loops.binary64(values, piece, lanes);
  }

  @Override
  int second(Piece piece, LaneSums lanes) {
    return 0;
  }

  /** The piece's values one after the other in {@link #bits}, and how many they are. */
  private int collect(Piece piece) {
    int lanes = loops.lanes();
    int n = (piece.steps - 1) * lanes + piece.tail;
    if (bits.length < n) {
      bits = new long[n];
    }
    if (piece.stride == lanes) {
      copyBits(piece.base, 0, n);
    } else {
      for (int from = 0, at = piece.base; from < n; from += lanes, at += piece.stride) {
        copyBits(at, from, Math.min(lanes, n - from));
      }
    }
    return n;
  }

  private void copyBits(int at, int to, int count) {
    for (int i = 0; i < count; i++) {
      bits[to + i] = Double.doubleToRawLongBits(values[at + i]);
    }
  }

  @Override
  boolean measure(Piece piece) {
    int n = collect(piece);
    long largest = 0;
    lowest = Integer.MAX_VALUE;
    for (int i = 0; i < n; i++) {
      long magnitude = bits[i] & Long.MAX_VALUE;
      if (magnitude != 0) {
        largest = Math.max(largest, magnitude);
        lowest = Math.min(lowest, lowestBit(magnitude));
      }
    }
    highest = exponent(largest) + 63 - Long.numberOfLeadingZeros(significand(largest));
    return largest < INFINITY;
  }

  private static int lowestBit(long magnitude) {
    return exponent(magnitude) + Long.numberOfTrailingZeros(significand(magnitude));
  }

  private static int exponent(long magnitude) {
    return Math.max((int) (magnitude >>> 52), 1) - 1075;
  }

  private static long significand(long magnitude) {
    return magnitude < HIDDEN_BIT ? magnitude : (magnitude & SIGNIFICAND) | HIDDEN_BIT;
  }

  @Override
  void addElsewhere(Piece piece, LaneLayout layout) {
    int n = collect(piece);
    if (layout.isByRows()) {
      addElsewhere(piece, piece.slot, 0, n, 1);
    } else {
      for (int lane = 0; lane < loops.lanes(); lane++) {
        addElsewhere(piece, layout.channel(piece.slot, lane), lane, n, loops.lanes());
      }
    }
  }

  private void addElsewhere(Piece piece, int channel, int from, int to, int stride) {
    if (!chunks.add(channel, bits, from, to, stride)) {
      for (int i = from; i < to; i += stride) {
        double value = Double.longBitsToDouble(bits[i]);
        if (!Double.isFinite(value)) {
          nonFinite.count(channel, value);
          counts.add(channel, -1);
          int index = piece.base + i / loops.lanes() * piece.stride + i % loops.lanes();
          firstNonFinite = firstNonFinite < 0 ? index : Math.min(firstNonFinite, index);
        }
      }
    }
  }
}
