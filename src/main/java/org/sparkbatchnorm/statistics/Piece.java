package org.sparkbatchnorm.statistics;

/**
 * Values for consecutive slots of {@link LaneSums}: what one call of a loop works on. The values of
 * slot {@code slot + k} are steps of L values each, at {@code base + k * slotStride}, then {@code
 * stride} further on for each step; of the last step only {@code tail} values count. Mutable and
 * reused.
 */
final class Piece {
  /** Index of the first slot's first value. */
  int base;

  /** From step to step. */
  int stride;

  /** Steps of each slot, 1 or more. */
  int steps;

  /** Values in the last step, 1 to L. */
  int tail;

  /** The first slot. */
  int slot;

  /** How many slots. */
  int slots;

  /** From slot to slot. */
  int slotStride;

  /** Goes past the first slots. */
  void skip(int done) {
    base += done * slotStride;
    slot += done;
    slots -= done;
  }

  /** Reduces this to the first slot, all of what {@link #skip} has left of another. */
  void setFirstOf(Piece other) {
    base = other.base;
    stride = other.stride;
    steps = other.steps;
    tail = other.tail;
    slot = other.slot;
    slots = 1;
    slotStride = other.slotStride;
  }
}
