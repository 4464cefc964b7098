package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * The elements of a part of a block, in an array that {@link CertifiedLoops} read, and what can be
 * done with pieces of it. Mutable, not thread-safe.
 */
abstract class LaneValues {
  private final int lanes;
  private final NonFiniteCounts nonFinite;
  private final PendingCounts counts;

  /** Index of the first value since {@link #begin} that is not finite, or -1. */
  int firstNonFinite = -1;

  /** Set by {@link #measure}: the least scale of a window that holds the piece's values. */
  int leastScale;

  /** Set by {@link #measure}: exponent of the lowest bit set in any of the piece's values. */
  int lowestBit;

  LaneValues(int lanes, NonFiniteCounts nonFinite, PendingCounts counts) {
    this.lanes = lanes;
    this.nonFinite = nonFinite;
    this.counts = counts;
  }

  /** L. */
  final int lanes() {
    return lanes;
  }

  /** How many elements {@link #load} has room for. */
  abstract int capacity();

  /**
   * How many elements are best taken at once: all where they are read as they are, a part of the
   * first-level cache where they are widened first.
   */
  abstract int part();

  /** Bytes of a value in the array. */
  abstract int width();

  /** The highest scale of a window. */
  abstract int maxScale();

  /** The lowest scale of a window. */
  abstract int minScale();

  /** Where windows begin. */
  abstract int startScale();

  /** What its sums resolve. */
  abstract LaneLevels levels();

  /** Bits below a window that the first loop resolves. */
  abstract int firstBits();

  /** The same of the second loop; 0 if there is none. */
  abstract int secondBits();

  /** Takes up a block, from its first element on. */
  abstract void begin(TensorBlock block);

  /**
   * Makes the block's next elements the array's first ones, without a copy if that can be.
   *
   * @param most how many there are
   * @param unit of which a whole number is taken; a unit fits the array
   * @return how many: at least a unit, at most {@code most}
   */
  abstract int next(int most, int unit);

  /** Copies the block's next elements to places of the array. */
  abstract void load(int index, int count);

  /** Makes elements of the array zero. */
  abstract void clear(int from, int to);

  /** The loop to try first. */
  abstract int first(Piece piece, LaneSums sums);

  /** The loop for values that differ more. */
  abstract int second(Piece piece, LaneSums sums);

  /**
   * Looks at a piece of one slot, of which not all values are zero: {@link #leastScale} and {@link
   * #lowestBit}.
   *
   * @return whether all values are finite
   */
  abstract boolean measure(Piece piece);

  /**
   * Takes the values of a piece of one slot out of the array, one after the other.
   *
   * @return how many
   */
  abstract int collect(Piece piece);

  /**
   * Adds collected values {@code from, from + stride, ...} below {@code to} of one channel without
   * lanes; what is not finite is left out.
   *
   * @return whether all are finite
   */
  abstract boolean addCollected(int channel, int from, int to, int stride);

  /** A collected value. */
  abstract double collected(int index);

  /** A piece of one slot, of that many values: it says where they are in the array. */
  final int length(Piece piece) {
    return (piece.steps - 1) * lanes + piece.tail;
  }

  /** The scale at which the squares of an accumulator's values, added up, are below W^2. */
  static int leastScale(double[] energies) {
    double most = 0;
    for (double energy : energies) {
      most = Math.max(most, energy);
    }
    return Math.floorDiv(Math.getExponent(most), 2) + 1;
  }

  /** Adds a piece of one slot without lanes, and counts the values that are not finite. */
  final void addElsewhere(Piece piece, LaneLayout layout) {
    int n = collect(piece);
    if (layout.isByRows()) {
      addElsewhere(piece, piece.slot, 0, n, 1);
    } else {
      for (int lane = 0; lane < lanes; lane++) {
        addElsewhere(piece, layout.channel(piece.slot, lane), lane, n, lanes);
      }
    }
  }

  private void addElsewhere(Piece piece, int channel, int from, int to, int stride) {
    if (!addCollected(channel, from, to, stride)) {
      for (int i = from; i < to; i += stride) {
        double value = collected(i);
        if (!Double.isFinite(value)) {
          nonFinite.count(channel, value);
          counts.add(channel, -1);
          int index = piece.base + i / lanes * piece.stride + i % lanes;
          firstNonFinite = firstNonFinite < 0 ? index : Math.min(firstNonFinite, index);
        }
      }
    }
  }
}
