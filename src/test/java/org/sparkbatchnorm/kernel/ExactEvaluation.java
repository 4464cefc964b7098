package org.sparkbatchnorm.kernel;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * One element's evaluation in exact arithmetic: sums, differences and products without rounding,
 * root and quotient to 60 digits, where a double has 17.
 */
final class ExactEvaluation {
  static final MathContext DIGITS = new MathContext(60);

  /** 2^-53, the relative error of one double operation. */
  private static final BigDecimal U = BigDecimal.ONE.divide(BigDecimal.valueOf(2).pow(53));

  private final BigDecimal normalized;
  private final BigDecimal value;

  ExactEvaluation(
      double x, double mean, double variance, double gamma, double beta, double epsilon) {
    BigDecimal deviation = new BigDecimal(variance).add(new BigDecimal(epsilon)).sqrt(DIGITS);
    this.normalized =
        new BigDecimal(gamma)
            .multiply(new BigDecimal(x).subtract(new BigDecimal(mean)))
            .divide(deviation, DIGITS);
    this.value = normalized.add(new BigDecimal(beta));
  }

  /** p, what beta is added to. */
  BigDecimal normalized() {
    return normalized;
  }

  /** y. */
  BigDecimal value() {
    return value;
  }

  /** 5u|p|: how far the double arithmetic may be from y before it adds beta. */
  BigDecimal slack() {
    return normalized.abs().multiply(U).multiply(BigDecimal.valueOf(5));
  }

  /** u|y|: one more double rounding. */
  BigDecimal roundingOfSum() {
    return value.abs().multiply(U);
  }

  /**
   * The distance between neighbouring values around y of a floating-point type.
   *
   * @param significandBits without the hidden one: 52, 23, 10, 7
   * @param minExponent of the smallest normal: -1022, -126, -14, -126
   */
  static BigDecimal ulp(BigDecimal y, int significandBits, int minExponent) {
    double magnitude = y.abs().doubleValue();
    int exponent = Math.min(Math.getExponent(magnitude), Double.MAX_EXPONENT);
    if (exponent >= Double.MIN_EXPONENT
        && y.abs().compareTo(new BigDecimal(Math.scalb(1.0, exponent))) < 0) {
      exponent--; // y was rounded up to a power of two
    }
    return new BigDecimal(Math.scalb(1.0, Math.max(exponent, minExponent) - significandBits));
  }
}
