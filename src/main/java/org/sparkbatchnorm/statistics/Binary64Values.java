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
  private final double[] values = new double[CAPACITY + SLACK];
  private final double[] energies;
  private long[] bits = new long[0];
  private DoubleBuffer doubles;

  Binary64Values(
      CertifiedLoops loops, ExactSums sums, NonFiniteCounts nonFinite, PendingCounts counts) {
    super(loops.lanes(), nonFinite, counts);
    this.loops = loops;
    this.sums = sums;
    chunks = new DoubleChunks(sums);
    energies = new double[loops.lanes()];
  }

  @Override
  int capacity() {
    return CAPACITY;
  }

  @Override
  int part() {
    return Integer.MAX_VALUE;
  }

  @Override
  int width() {
    return Double.BYTES;
  }

  /** W^2 = 2^1022, so that all of its binade is finite. */
  @Override
  int maxScale() {
    return 511;
  }

  /** The binade of M2 is the lowest one whose ulp is the smallest double. */
  @Override
  int minScale() {
    return -459;
  }

  @Override
  int startScale() {
    return -101;
  }

  @Override
  LaneLevels levels() {
    return LaneLevels.BINARY64;
  }

  @Override
  int firstBits() {
    return LaneLevels.BINARY64.restBits;
  }

  @Override
  int secondBits() {
    return 0;
  }

  @Override
  void begin(TensorBlock block) {
    firstNonFinite = -1;
    sums.requireWide();
    doubles = block.bytes().slice().order(block.bytes().order()).asDoubleBuffer();
  }

  @Override
  int next(int most, int unit) {
    int count = Math.min(most, CAPACITY) / unit * unit;
    load(0, count);
    return count;
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
  int collect(Piece piece) {
    int n = length(piece);
    if (bits.length < n) {
      bits = new long[n];
    }
    for (int from = 0, at = piece.base; from < n; from += lanes(), at += piece.stride) {
      for (int i = from, end = Math.min(n, from + lanes()); i < end; i++) {
        bits[i] = Double.doubleToRawLongBits(values[at + i - from]);
      }
    }
    return n;
  }

  @Override
  boolean measure(Piece piece) {
    int n = collect(piece);
    long largest = 0;
    lowestBit = Integer.MAX_VALUE;
    Arrays.fill(energies, 0);
    for (int i = 0; i < n; i++) {
      long magnitude = bits[i] & Long.MAX_VALUE;
      if (magnitude != 0) {
        largest = Math.max(largest, magnitude);
        lowestBit = Math.min(lowestBit, lowestBit(magnitude));
        double value = Double.longBitsToDouble(magnitude);
        energies[i % lanes()] += value * value;
      }
    }
    leastScale = leastScale(energies);
    return largest < INFINITY;
  }

  private static int lowestBit(long magnitude) {
    long significand = magnitude < HIDDEN_BIT ? magnitude : (magnitude & SIGNIFICAND) | HIDDEN_BIT;
    return Math.max((int) (magnitude >>> 52), 1) - 1075 + Long.numberOfTrailingZeros(significand);
  }

  @Override
  boolean addCollected(int channel, int from, int to, int stride) {
    return chunks.add(channel, bits, from, to, stride);
  }

  @Override
  double collected(int index) {
    return Double.longBitsToDouble(bits[index]);
  }
}
