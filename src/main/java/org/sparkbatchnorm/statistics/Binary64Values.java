package org.sparkbatchnorm.statistics;

import java.nio.DoubleBuffer;
import java.util.Arrays;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Values of f64. What the loop does not take goes to the limbs one by one. */
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
  private final NonFiniteCounts nonFinite;
  private final PendingCounts counts;
  private final double[] values = new double[CAPACITY + SLACK];
  private DoubleBuffer doubles;

  Binary64Values(
      CertifiedLoops loops, ExactSums sums, NonFiniteCounts nonFinite, PendingCounts counts) {
    this.loops = loops;
    this.sums = sums;
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

  @Override
  boolean measure(Piece piece) {
    long largest = 0;
    lowest = Integer.MAX_VALUE;
    for (int step = 0, at = piece.base; step < piece.steps; step++, at += piece.stride) {
      int width = width(piece, step);
      for (int i = at; i < at + width; i++) {
        long magnitude = Double.doubleToRawLongBits(values[i]) & Long.MAX_VALUE;
        if (magnitude != 0) {
          largest = Math.max(largest, magnitude);
          lowest = Math.min(lowest, lowestBit(magnitude));
        }
      }
    }
    highest = exponent(largest) + 63 - Long.numberOfLeadingZeros(significand(largest));
    return largest < INFINITY;
  }

  private int width(Piece piece, int step) {
    return step == piece.steps - 1 ? piece.tail : loops.lanes();
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
    for (int step = 0, at = piece.base; step < piece.steps; step++, at += piece.stride) {
      int width = width(piece, step);
      for (int lane = 0; lane < width; lane++) {
        add(layout.channel(piece.slot, lane), at + lane);
      }
    }
  }

  private void add(int channel, int index) {
    double value = values[index];
    if (Double.isFinite(value)) {
      if (value != 0) {
        sums.addFinite(channel, Double.doubleToRawLongBits(value));
      }
      return;
    }
    nonFinite.count(channel, value);
    counts.add(channel, -1);
    firstNonFinite = firstNonFinite < 0 ? index : Math.min(firstNonFinite, index);
  }
}
