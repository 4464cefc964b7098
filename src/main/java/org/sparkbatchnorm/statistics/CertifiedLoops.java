package org.sparkbatchnorm.statistics;

/**
 * The inner loops over L lanes of doubles, whose sums are exact or not taken at all. Each handles a
 * piece's slots one after the other and returns how many it took before it met one that it must
 * leave alone: because the slot is full or is reserved, or because the certificate does not hold
 * (values too large or too fine for the window, or not finite). The sums of a slot that was not
 * taken are as they were.
 *
 * <p>Values are read up to L - 1 places beyond the last one that counts. Those of binary32 are
 * bytes in the machine's order, from {@code origin} on.
 */
interface CertifiedLoops extends KernelChoice.Lanes {
  /** L. */
  @Override
  int lanes();

  /** Two levels: values that are multiples of 2^-48 W, for binary32. */
  int narrow(byte[] values, int origin, Piece piece, LaneSums sums);

  /** Three levels: values that are multiples of 2^-70 W, for binary32. */
  int wide(byte[] values, int origin, Piece piece, LaneSums sums);

  /** Three levels: values that are multiples of 2^-77 W, for binary64. */
  int binary64(double[] values, Piece piece, LaneSums sums);

  /**
   * The values of {@code count} binary16, to {@code values} from float {@code from} on.
   *
   * @return whether all are finite; what is not has another value there
   */
  boolean ofBinary16(short[] bits, byte[] values, int from, int count);

  /** The values of {@code count} bfloat16. */
  void ofBfloat16(short[] bits, byte[] values, int from, int count);
}
