package org.sparkbatchnorm.tensor;

/**
 * The two 16-bit floating-point formats, to and from double. Widening is exact; narrowing rounds
 * once, to nearest, ties to even (IEEE 754-2019, 4.3.1), overflows to infinity and keeps
 * subnormals. NaN stays NaN (quiet).
 *
 * <p>JDK 17 has no {@code Float.float16ToFloat}.
 */
public final class Half {
  private static final int BINARY16_SIGNIFICAND_BITS = 10;
  private static final int BINARY16_MIN_EXPONENT = -14;
  private static final int BFLOAT16_SIGNIFICAND_BITS = 7;
  private static final int BFLOAT16_MIN_EXPONENT = -126;

  /** 2^112: moves the exponent bias from binary16's 15 to binary32's 127, subnormals included. */
  private static final float REBIAS = 0x1p112f;

  private Half() {}

  /** The value of a binary16. */
  public static float ofBinary16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int magnitude = (bits & 0x7fff) << 13;
    if (magnitude >= 0x0f800000) {
      return Float.intBitsToFloat(sign | 0x7f800000 | (magnitude & 0x007fffff));
    }
    float value = Float.intBitsToFloat(magnitude) * REBIAS;
    return Float.intBitsToFloat(sign | Float.floatToRawIntBits(value));
  }

  /** The value of a bfloat16. */
  public static float ofBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** The binary16 nearest to a double. */
  public static short toBinary16(double value) {
    return narrow(value, BINARY16_SIGNIFICAND_BITS, BINARY16_MIN_EXPONENT);
  }

  /** The bfloat16 nearest to a double. */
  public static short toBfloat16(double value) {
    return narrow(value, BFLOAT16_SIGNIFICAND_BITS, BFLOAT16_MIN_EXPONENT);
  }

  private static short narrow(double value, int significandBits, int minExponent) {
    int sign = Double.doubleToRawLongBits(value) < 0 ? 0x8000 : 0;
    int maxExponent = 1 - minExponent;
    int infinity = (2 * maxExponent + 1) << significandBits;
    double magnitude = Math.abs(value);
    if (Double.isNaN(value)) {
      return (short) (sign | infinity | 1 << (significandBits - 1));
    }
    long bits = Double.doubleToRawLongBits(magnitude);
    int exponent = (int) (bits >>> 52) - Double.MAX_EXPONENT;
    if (exponent > maxExponent) {
      return (short) (sign | infinity);
    }
    if (exponent < minExponent) {
      // Subnormal: an ulp of this sum is an ulp of the target, so that the addition rounds to it
      // (ties to even) and counts the target's ulps in the last bits.
      double unit =
          Double.longBitsToDouble(
              (long) (minExponent - significandBits + 52 + Double.MAX_EXPONENT) << 52);
      return (short) (sign | (int) Double.doubleToRawLongBits(magnitude + unit));
    }
    // Normal: rebias the exponent, then add just below half an ulp, or half where the last bit
    // kept is odd. A carry into the next binade is right in the encoding as well, and from the
    // last binade it gives infinity.
    int dropped = 52 - significandBits;
    long rebiased = bits - ((long) (Double.MAX_EXPONENT - maxExponent) << 52);
    long odd = rebiased >>> dropped & 1;
    return (short) (sign | (int) ((rebiased + (1L << (dropped - 1)) - 1 + odd) >>> dropped));
  }
}
