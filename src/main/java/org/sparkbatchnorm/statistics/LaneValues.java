package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * The elements of a part of a block, in an array that {@link CertifiedLoops} read, and what can be
 * done with pieces of it. Mutable, not thread-safe.
 */
abstract class LaneValues {
  /** Index of the first value since {@link #begin} that is not finite, or -1. */
  int firstNonFinite = -1;

  /** Set by {@link #measure}: exponent of the highest bit of the piece's largest magnitude. */
  int highest;

  /** Set by {@link #measure}: exponent of the lowest bit set in any of the piece's values. */
  int lowest;

  /** How many elements fit. */
  abstract int capacity();

  /** Bytes of a value in the array. */
  abstract int width();

  /** The highest top of a window: whatever is not finite lies outside of it. */
  abstract int maxTop();

  /** The lowest top of a window. */
  abstract int minTop();

  /** Where windows begin. */
  abstract int startTop();

  /** Bits of a window that the first loop resolves below its top. */
  abstract int firstBits();

  /** The same of the second loop; 0 if there is none. */
  abstract int secondBits();

  /** Values that a wide step adds to R. */
  abstract int restsPerWideStep();

  /** Takes up a block, from its first element on. */
  abstract void begin(TensorBlock block);

  /** Copies the block's next elements to the array. */
  abstract void load(int index, int count);

  /** Makes elements of the array zero. */
  abstract void clear(int from, int to);

  /** The loop to try first. */
  abstract int first(Piece piece, LaneSums sums);

  /** The loop for values that differ more. */
  abstract int second(Piece piece, LaneSums sums);

  /**
   * Looks at a piece of one slot, of which not all values are zero: {@link #highest} and {@link
   * #lowest}.
   *
   * @return whether all values are finite
   */
  abstract boolean measure(Piece piece);

  /** Adds a piece of one slot without lanes, and counts the values that are not finite. */
  abstract void addElsewhere(Piece piece, LaneLayout layout);
}
