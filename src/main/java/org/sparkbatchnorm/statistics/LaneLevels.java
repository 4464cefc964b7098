package org.sparkbatchnorm.statistics;

/** The numbers of {@link LaneSums} that depend on how many bits the values have. */
enum LaneLevels {
  /** Squares have 48 bits. */
  BINARY32(0x3p-19, 70, 0x3p-45, 96, 0x3p-89, 140, 1_024),

  /**
   * Squares have 106 bits, so that R has two errors to add for each value, and the values
   * themselves take 53 of the bits that a window has: R and T do not run, but take the bits of bias
   * plus error at every step, which resolves more. A step then adds at most 2^51 units twice to R,
   * and once to T: 8 pieces of 126 steps stay below 2^63.
   */
  BINARY64(0x3p-26, 77, 0x3p-53, 104, 0x3p-104, 155, 8);

  /** A1 / W. */
  final double restBias;

  /** Bits below W that S1 resolves, and so what a wide piece does. */
  final int restBits;

  /** M1 / M0. */
  final double squareRestBias;

  /** Bits below W^2 that R resolves. */
  final int squareRestBits;

  /** M2 / M0. */
  final double squareLastBias;

  /** Bits below W^2 that T resolves: at least twice those of S1. */
  final int squareLastBits;

  /** Pieces between flushes. */
  final int mostPieces;

  LaneLevels(
      double restBias,
      int restBits,
      double squareRestBias,
      int squareRestBits,
      double squareLastBias,
      int squareLastBits,
      int mostPieces) {
    this.restBias = restBias;
    this.restBits = restBits;
    this.squareRestBias = squareRestBias;
    this.squareRestBits = squareRestBits;
    this.squareLastBias = squareLastBias;
    this.squareLastBits = squareLastBits;
    this.mostPieces = mostPieces;
  }
}
