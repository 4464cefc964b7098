package org.sparkbatchnorm.statistics;

import static org.sparkbatchnorm.statistics.VectorLanes.INTS;
import static org.sparkbatchnorm.statistics.VectorLanes.L;
import static org.sparkbatchnorm.statistics.VectorLanes.SHORTS;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import org.sparkbatchnorm.tensor.Half;

/**
 * {@link CertifiedLoops} of the module {@code jdk.incubator.vector}. Loaded by name, and only where
 * that module is there: {@link ExactKernels}.
 */
final class VectorLoops implements CertifiedLoops {
  /** 2^112: moves the exponent bias from binary16's 15 to binary32's 127, subnormals included. */
  private static final float REBIAS = 0x1p112f;

  /** The exponent of a binary16 moved up by 13 bits, and one unit of it. */
  private static final int BINARY16_EXPONENT = 0x1f << 23;

  private static final int BINARY16_EXPONENT_UNIT = 1 << 23;

  private static final VarHandle FLOAT =
      MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.nativeOrder());

  @Override
  public int lanes() {
    return L;
  }

  @Override
  public int narrow(byte[] values, int origin, Piece piece, LaneSums sums) {
    return VectorNarrowLoop.sum(values, origin, piece, sums);
  }

  @Override
  public int wide(byte[] values, int origin, Piece piece, LaneSums sums) {
    return VectorWideLoop.sum(values, origin, piece, sums);
  }

  @Override
  public int binary64(double[] values, Piece piece, LaneSums sums) {
    return VectorBinary64Loop.sum(values, piece, sums);
  }

  @Override
  public boolean ofBinary16(short[] bits, byte[] values, int from, int count) {
    int whole = SHORTS == null ? 0 : count - count % L;
    IntVector exponents = IntVector.zero(INTS);
    for (int i = 0; i < whole; i += L) {
      // The sign, three copies of it to be cleared, and exponent and significand in place for
      // binary32: the product is exact, as it only adds 112 to the exponent or normalizes.
      IntVector moved =
          ((IntVector)
                  ShortVector.fromArray(SHORTS, bits, i).convertShape(VectorOperators.S2I, INTS, 0))
              .lanewise(VectorOperators.LSHL, 13)
              .and(0x8fffe000);
      // An exponent of 31 carries into bit 28.
      exponents = exponents.or(moved.and(BINARY16_EXPONENT).add(BINARY16_EXPONENT_UNIT));
      moved
          .viewAsFloatingLanes()
          .mul(REBIAS)
          .reinterpretAsBytes()
          .intoArray(values, Float.BYTES * (from + i));
    }
    int all = exponents.reduceLanes(VectorOperators.OR);
    for (int i = whole; i < count; i++) {
      FLOAT.set(values, Float.BYTES * (from + i), Half.ofBinary16(bits[i]));
    }
    return (all & 1 << 28) == 0;
  }

  @Override
  public void ofBfloat16(short[] bits, byte[] values, int from, int count) {
    int whole = SHORTS == null ? 0 : count - count % L;
    for (int i = 0; i < whole; i += L) {
      ((IntVector)
              ShortVector.fromArray(SHORTS, bits, i).convertShape(VectorOperators.S2I, INTS, 0))
          .lanewise(VectorOperators.LSHL, 16)
          .reinterpretAsBytes()
          .intoArray(values, Float.BYTES * (from + i));
    }
    for (int i = whole; i < count; i++) {
      FLOAT.set(values, Float.BYTES * (from + i), Half.ofBfloat16(bits[i]));
    }
  }
}
