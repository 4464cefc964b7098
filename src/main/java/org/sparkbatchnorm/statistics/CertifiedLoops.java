package org.sparkbatchnorm.statistics;

/**
 * The inner loops over L lanes of doubles, whose sums are exact or not taken at all. Each handles a
 * piece's slots one after the other and returns how many it took before it met one that it must
 * leave alone: because the slot's steps would exceed {@link LaneSums#MOST_STEPS} or it is reserved,
 * or because the certificate does not hold (a value too large or too fine for the window, or not
 * finite). The sums of a slot that was not taken are as they were.
 *
 * <p>Values are read up to L - 1 places beyond the last one that counts.
 */
interface CertifiedLoops {
  /** L. */
  int lanes();

  /** Two levels: values that are multiples of 2^(top-50), for binary32. */
  int narrow(float[] values, Piece piece, LaneSums sums);

  /** Three levels: values that are multiples of 2^(top-76), for binary32. */
  int wide(float[] values, Piece piece, LaneSums sums);

  /** Three levels: values that are multiples of 2^(top-76), for binary64. */
  int binary64(double[] values, Piece piece, LaneSums sums);

  /**
   * The values of {@code count} binary16; of one that is not finite any value of 2^16 or more, with
   * its sign, from which {@link Binary32Pieces} knows it again.
   */
  void ofBinary16(short[] bits, float[] values, int from, int count);

  /** The values of {@code count} bfloat16. */
  void ofBfloat16(short[] bits, float[] values, int from, int count);
}
