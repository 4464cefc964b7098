package org.sparkbatchnorm.statistics;

import java.math.BigDecimal;
import java.math.BigInteger;
import org.sparkbatchnorm.tensor.DType;

/**
 * From exact rational numbers to a binary floating-point format, rounded once: to nearest, ties to
 * even (IEEE 754-2019, 4.3.1). Subnormal results have fewer bits, what rounds beyond the largest
 * finite value becomes infinite, and a non-zero value below half the smallest becomes a zero of its
 * sign. Immutable.
 *
 * @param precision bits of a significand, the hidden one included; at most 53
 * @param minExponent of the smallest normal value
 * @param maxExponent of the largest finite value
 */
record CorrectRounding(int precision, int minExponent, int maxExponent) {
  private static final CorrectRounding BINARY64 = new CorrectRounding(53, -1022, 1023);
  private static final CorrectRounding BINARY32 = new CorrectRounding(24, -126, 127);
  private static final CorrectRounding BINARY16 = new CorrectRounding(11, -14, 15);
  private static final CorrectRounding BFLOAT16 = new CorrectRounding(8, -126, 127);

  /**
   * The rounding to an element type.
   *
   * @throws IllegalArgumentException if it is not a floating-point type
   */
  static CorrectRounding to(DType target) {
    return switch (target) {
      case F64 -> BINARY64;
      case F32 -> BINARY32;
      case F16 -> BINARY16;
      case BF16 -> BFLOAT16;
      default ->
          throw new IllegalArgumentException(
              "cannot round to " + target + ": not a floating-point type");
    };
  }

  /**
   * The value of the format nearest to {@code numerator / denominator * 2^exponent}, as a double,
   * which holds it exactly.
   *
   * @param denominator greater than 0
   */
  double round(BigInteger numerator, BigInteger denominator, int exponent) {
    if (numerator.signum() == 0) {
      return 0.0;
    }
    double magnitude = roundMagnitude(numerator.abs(), denominator, exponent);
    return numerator.signum() < 0 ? -magnitude : magnitude;
  }

  /** The value of the format nearest to a double; NaN and infinities are themselves. */
  double round(double value) {
    if (precision == 53 || !Double.isFinite(value)) {
      return value;
    }
    BigDecimal exact = new BigDecimal(value);
    return round(exact.unscaledValue(), BigInteger.TEN.pow(exact.scale()), 0);
  }

  private double roundMagnitude(BigInteger numerator, BigInteger denominator, int exponent) {
    // With 2^(a-1) <= numerator < 2^a and 2^(b-1) <= denominator < 2^b, numerator/denominator lies
    // in (2^(a-b-1), 2^(a-b+1)), so that the quotient after this shift lies in (2^(precision+1),
    // 2^(precision+3)): two bits or more below the last one kept, and 56 at most.
    int shift = precision + 2 - (numerator.bitLength() - denominator.bitLength());
    BigInteger[] division =
        numerator
            .shiftLeft(Math.max(shift, 0))
            .divideAndRemainder(denominator.shiftLeft(Math.max(-shift, 0)));
    long quotient = division[0].longValueExact();
    boolean sticky = division[1].signum() != 0;
    int unit = exponent - shift; // value = (quotient + [0, 1)) * 2^unit, above 0 if sticky
    int bits = Long.SIZE - Long.numberOfLeadingZeros(quotient);
    // The exponent of the last bit that the result has at this magnitude.
    int last = Math.max(unit + bits, minExponent + 1) - precision;
    int dropped = last - unit; // at least 2
    if (dropped > bits + 1) {
      return 0.0; // below 2^(bits + unit) <= 2^(last - 2), a quarter of the last bit
    }
    long kept = quotient >>> dropped;
    long rest = quotient & (1L << dropped) - 1;
    long half = 1L << (dropped - 1);
    if (rest > half || (rest == half && (sticky || (kept & 1) == 1))) {
      kept++; // may become 2^precision: the first value of the next binade, represented as well
    }
    // kept <= 2^53 is a double, and so is its product: the format is a subset of binary64.
    double value = Math.scalb((double) kept, last);
    return value >= Math.scalb(2.0, maxExponent) ? Double.POSITIVE_INFINITY : value;
  }
}
