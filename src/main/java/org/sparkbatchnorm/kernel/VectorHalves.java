package org.sparkbatchnorm.kernel;

import static jdk.incubator.vector.VectorOperators.F2D;
import static jdk.incubator.vector.VectorOperators.L2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.OR;
import static jdk.incubator.vector.VectorOperators.S2I;
import static org.sparkbatchnorm.statistics.VectorLanes.DOUBLES;
import static org.sparkbatchnorm.statistics.VectorLanes.INTS;
import static org.sparkbatchnorm.statistics.VectorLanes.L;
import static org.sparkbatchnorm.statistics.VectorLanes.LONGS;
import static org.sparkbatchnorm.statistics.VectorLanes.SHORTS;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import org.sparkbatchnorm.tensor.Half;

/**
 * The 16-bit types of {@link NormalizationLoops}, by the steps of {@link Half}. What those do with
 * rare values is left to them: where one is found, nothing of what was computed counts. Each says
 * how many values it took from the first on: all whole vectors, or none.
 */
final class VectorHalves {
  /** 2^112: moves the exponent bias from binary16's 15 to binary32's 127, subnormals included. */
  private static final float REBIAS = 0x1p112f;

  /** The exponent of a binary16 moved up by 13 bits, and one unit of it. */
  private static final int BINARY16_EXPONENT = 0x1f << 23;

  private static final int BINARY16_EXPONENT_UNIT = 1 << 23;

  /** Where an exponent of all ones, Inf's and NaN's, carries to. */
  private static final int BINARY16_CARRY = 1 << 28;

  // Of a double, by the type it is rounded to: bits that are dropped; what rebiases the exponent
  // and adds just below half an ulp; the bits of its smallest normal and of the first power of two
  // that it does not reach; the double of which an ulp is an ulp of its subnormals.

  private static final int BINARY16_DROPPED = 42;
  private static final long BINARY16_ROUNDING = (1L << 41) - 1 - (1008L << 52);
  private static final long BINARY16_NORMAL = Double.doubleToRawLongBits(0x1p-14);
  private static final long BINARY16_OVERFLOW = Double.doubleToRawLongBits(0x1p16);
  private static final double BINARY16_UNIT = 0x1p28;

  private static final int BFLOAT16_DROPPED = 45;
  private static final long BFLOAT16_ROUNDING = (1L << 44) - 1 - (896L << 52);
  private static final long BFLOAT16_NORMAL = Double.doubleToRawLongBits(0x1p-126);
  private static final long BFLOAT16_OVERFLOW = Double.doubleToRawLongBits(0x1p128);
  private static final double BFLOAT16_UNIT = 0x1p-81;

  private VectorHalves() {}

  private static int whole(int count) {
    return SHORTS == null ? 0 : count - count % L;
  }

  /** None if one is infinite or NaN. */
  static int ofBinary16(short[] bits, double[] values, int count) {
    int end = whole(count);
    IntVector exponents = IntVector.zero(INTS);
    for (int i = 0; i < end; i += L) {
      // The sign, three copies of it to be cleared, and exponent and significand in place for
      // binary32.
      IntVector moved =
          ((IntVector) ShortVector.fromArray(SHORTS, bits, i).convertShape(S2I, INTS, 0))
              .lanewise(LSHL, 13)
              .and(0x8fffe000);
      exponents = exponents.or(moved.and(BINARY16_EXPONENT).add(BINARY16_EXPONENT_UNIT));
      ((DoubleVector) moved.viewAsFloatingLanes().mul(REBIAS).convertShape(F2D, DOUBLES, 0))
          .intoArray(values, i);
    }
    return (exponents.reduceLanes(OR) & BINARY16_CARRY) == 0 ? end : 0;
  }

  static int ofBfloat16(short[] bits, double[] values, int count) {
    int end = whole(count);
    for (int i = 0; i < end; i += L) {
      ((DoubleVector)
              ((IntVector) ShortVector.fromArray(SHORTS, bits, i).convertShape(S2I, INTS, 0))
                  .lanewise(LSHL, 16)
                  .viewAsFloatingLanes()
                  .convertShape(F2D, DOUBLES, 0))
          .intoArray(values, i);
    }
    return end;
  }

  /** None if one is too large, infinite or NaN. */
  static int toBinary16(double[] values, short[] bits, int count) {
    int end = whole(count);
    LongVector below = LongVector.broadcast(LONGS, -1);
    for (int i = 0; i < end; i += L) {
      LongVector raw = DoubleVector.fromArray(DOUBLES, values, i).viewAsIntegralLanes();
      LongVector magnitude = raw.and(Long.MAX_VALUE);
      below = below.and(magnitude.sub(BINARY16_OVERFLOW));
      LongVector odd = magnitude.lanewise(LSHR, BINARY16_DROPPED).and(1);
      ((ShortVector)
              magnitude
                  .add(BINARY16_ROUNDING)
                  .add(odd)
                  .lanewise(LSHR, BINARY16_DROPPED)
                  .blend(
                      magnitude.viewAsFloatingLanes().add(BINARY16_UNIT).viewAsIntegralLanes(),
                      magnitude.compare(LT, BINARY16_NORMAL))
                  .or(raw.lanewise(LSHR, 48).and(0x8000))
                  .convertShape(L2S, SHORTS, 0))
          .intoArray(bits, i);
    }
    return below.compare(LT, 0).allTrue() ? end : 0;
  }

  /** None if one is too large, infinite or NaN. */
  static int toBfloat16(double[] values, short[] bits, int count) {
    int end = whole(count);
    LongVector below = LongVector.broadcast(LONGS, -1);
    for (int i = 0; i < end; i += L) {
      LongVector raw = DoubleVector.fromArray(DOUBLES, values, i).viewAsIntegralLanes();
      LongVector magnitude = raw.and(Long.MAX_VALUE);
      below = below.and(magnitude.sub(BFLOAT16_OVERFLOW));
      LongVector odd = magnitude.lanewise(LSHR, BFLOAT16_DROPPED).and(1);
      ((ShortVector)
              magnitude
                  .add(BFLOAT16_ROUNDING)
                  .add(odd)
                  .lanewise(LSHR, BFLOAT16_DROPPED)
                  .blend(
                      magnitude.viewAsFloatingLanes().add(BFLOAT16_UNIT).viewAsIntegralLanes(),
                      magnitude.compare(LT, BFLOAT16_NORMAL))
                  .or(raw.lanewise(LSHR, 48).and(0x8000))
                  .convertShape(L2S, SHORTS, 0))
          .intoArray(bits, i);
    }
    return below.compare(LT, 0).allTrue() ? end : 0;
  }
}
