package org.sparkbatchnorm.statistics;

import static org.sparkbatchnorm.statistics.VectorLanes.INTS;
import static org.sparkbatchnorm.statistics.VectorLanes.L;

import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.sparkbatchnorm.tensor.Half;

/**
 * {@link CertifiedLoops} of the module {@code jdk.incubator.vector}. Loaded by name, and only where
 * that module is there: {@link ExactKernels}.
 */
final class VectorLoops implements CertifiedLoops {
  /** 2^112: moves the exponent bias from binary16's 15 to binary32's 127, subnormals included. */
  private static final float REBIAS = 0x1p112f;

  /** L shorts, or null where vectors are not that short. */
  private static final VectorSpecies<Short> SHORTS =
      L < 4 ? null : VectorSpecies.of(short.class, VectorShape.forBitSize(Short.SIZE * L));

  @Override
  public int lanes() {
    return L;
  }

  @Override
  public int narrow(float[] values, Piece piece, LaneSums sums) {
    return VectorNarrowLoop.sum(values, piece, sums);
  }

  @Override
  public int wide(float[] values, Piece piece, LaneSums sums) {
    return VectorWideLoop.sum(values, piece, sums);
  }

  @Override
  public int binary64(double[] values, Piece piece, LaneSums sums) {
    return VectorBinary64Loop.sum(values, piece, sums);
  }

  @Override
  public void ofBinary16(short[] bits, float[] values, int from, int count) {
    int whole = SHORTS == null ? 0 : count - count % L;
    for (int i = 0; i < whole; i += L) {
      // The sign, three copies of it to be cleared, and exponent and significand in place for
      // binary32: the product is exact, as it only adds 112 to the exponent or normalizes.
      IntVector moved =
          ((IntVector)
                  ShortVector.fromArray(SHORTS, bits, i).convertShape(VectorOperators.S2I, INTS, 0))
              .lanewise(VectorOperators.LSHL, 13)
              .and(0x8fffe000);
      moved.viewAsFloatingLanes().mul(REBIAS).intoArray(values, from + i);
    }
    for (int i = whole; i < count; i++) {
      values[from + i] = Half.ofBinary16(bits[i]);
    }
  }

  @Override
  public void ofBfloat16(short[] bits, float[] values, int from, int count) {
    int whole = SHORTS == null ? 0 : count - count % L;
    for (int i = 0; i < whole; i += L) {
      IntVector moved =
          ((IntVector)
                  ShortVector.fromArray(SHORTS, bits, i).convertShape(VectorOperators.S2I, INTS, 0))
              .lanewise(VectorOperators.LSHL, 16);
      moved.viewAsFloatingLanes().intoArray(values, from + i);
    }
    for (int i = whole; i < count; i++) {
      values[from + i] = Half.ofBfloat16(bits[i]);
    }
  }
}
