package org.sparkbatchnorm.kernel;

import static jdk.incubator.vector.VectorOperators.EQ;
import static jdk.incubator.vector.VectorOperators.F2D;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.L2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.S2I;
import static org.sparkbatchnorm.statistics.VectorLanes.DOUBLES;
import static org.sparkbatchnorm.statistics.VectorLanes.INTS;
import static org.sparkbatchnorm.statistics.VectorLanes.L;
import static org.sparkbatchnorm.statistics.VectorLanes.SHORTS;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import org.sparkbatchnorm.tensor.Half;

/** The 16-bit types of {@link NormalizationLoops}, by the steps of {@link Half}. */
final class VectorHalves {
  /** 2^112: moves the exponent bias from binary16's 15 to binary32's 127, subnormals included. */
  private static final float REBIAS = 0x1p112f;

  /** The exponent of a binary16 moved up by 13 bits, which has all its bits in Inf and NaN. */
  private static final int BINARY16_EXPONENT = 0x1f << 23;

  /** What a binary32's Inf and NaN have more. */
  private static final int REST_OF_EXPONENT = 0x7f800000 & ~BINARY16_EXPONENT;

  private static final long POSITIVE_INFINITY =
      Double.doubleToRawLongBits(Double.POSITIVE_INFINITY);

  private static final int BINARY16_SIGNIFICAND_BITS = 10;
  private static final int BINARY16_MIN_EXPONENT = -14;
  private static final int BFLOAT16_SIGNIFICAND_BITS = 7;
  private static final int BFLOAT16_MIN_EXPONENT = -126;

  private VectorHalves() {}

  static void ofBinary16(short[] bits, double[] values, int count) {
    int end = SHORTS == null ? 0 : count - count % L;
    for (int i = 0; i < end; i += L) {
      // The sign, three copies of it to be cleared, and exponent and significand in place for
      // binary32.
      IntVector moved =
          ((IntVector) ShortVector.fromArray(SHORTS, bits, i).convertShape(S2I, INTS, 0))
              .lanewise(LSHL, 13)
              .and(0x8fffe000);
      ((DoubleVector)
              moved
                  .viewAsFloatingLanes()
                  .mul(REBIAS)
                  .viewAsIntegralLanes()
                  .blend(
                      moved.or(REST_OF_EXPONENT),
                      moved.and(BINARY16_EXPONENT).compare(EQ, BINARY16_EXPONENT))
                  .viewAsFloatingLanes()
                  .convertShape(F2D, DOUBLES, 0))
          .intoArray(values, i);
    }
    for (int i = end; i < count; i++) {
      values[i] = Half.ofBinary16(bits[i]);
    }
  }

  static void ofBfloat16(short[] bits, double[] values, int count) {
    int end = SHORTS == null ? 0 : count - count % L;
    for (int i = 0; i < end; i += L) {
      ((DoubleVector)
              ((IntVector) ShortVector.fromArray(SHORTS, bits, i).convertShape(S2I, INTS, 0))
                  .lanewise(LSHL, 16)
                  .viewAsFloatingLanes()
                  .convertShape(F2D, DOUBLES, 0))
          .intoArray(values, i);
    }
    for (int i = end; i < count; i++) {
      values[i] = Half.ofBfloat16(bits[i]);
    }
  }

  static void toBinary16(double[] values, short[] bits, int count) {
    int end = SHORTS == null ? 0 : count - count % L;
    narrow(values, bits, end, BINARY16_SIGNIFICAND_BITS, BINARY16_MIN_EXPONENT);
    for (int i = end; i < count; i++) {
      bits[i] = Half.toBinary16(values[i]);
    }
  }

  static void toBfloat16(double[] values, short[] bits, int count) {
    int end = SHORTS == null ? 0 : count - count % L;
    narrow(values, bits, end, BFLOAT16_SIGNIFICAND_BITS, BFLOAT16_MIN_EXPONENT);
    for (int i = end; i < count; i++) {
      bits[i] = Half.toBfloat16(values[i]);
    }
  }

  private static void narrow(
      double[] values, short[] bits, int end, int significandBits, int minExponent) {
    int maxExponent = 1 - minExponent;
    int dropped = 52 - significandBits;
    long infinity = (2L * maxExponent + 1) << significandBits;
    long quietNan = infinity | 1L << (significandBits - 1);
    // An ulp of this is an ulp of the target's subnormals.
    double unit = Math.scalb(1.0, minExponent - significandBits + 52);
    long smallestNormal = Double.doubleToRawLongBits(Math.scalb(1.0, minExponent));
    long overflow = Double.doubleToRawLongBits(Math.scalb(1.0, maxExponent + 1));
    // Rebias the exponent, and add just below half an ulp.
    long rounding = (1L << (dropped - 1)) - 1 - ((long) (Double.MAX_EXPONENT - maxExponent) << 52);
    for (int i = 0; i < end; i += L) {
      LongVector raw = DoubleVector.fromArray(DOUBLES, values, i).viewAsIntegralLanes();
      LongVector magnitude = raw.and(Long.MAX_VALUE);
      LongVector odd = magnitude.lanewise(LSHR, dropped).and(1);
      ((ShortVector)
              magnitude
                  .add(rounding)
                  .add(odd)
                  .lanewise(LSHR, dropped)
                  .blend(
                      magnitude.viewAsFloatingLanes().add(unit).viewAsIntegralLanes(),
                      magnitude.compare(LT, smallestNormal))
                  .blend(infinity, magnitude.compare(GE, overflow))
                  .blend(quietNan, magnitude.compare(GT, POSITIVE_INFINITY))
                  .or(raw.lanewise(LSHR, 48).and(0x8000))
                  .convertShape(L2S, SHORTS, 0))
          .intoArray(bits, i);
    }
  }
}
