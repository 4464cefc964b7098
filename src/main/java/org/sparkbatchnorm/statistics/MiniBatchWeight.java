package org.sparkbatchnorm.statistics;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * The weight {@code keep^k * fresh} of a mini-batch that k others follow, as the sum of two
 * doubles: the one nearest to it, and the one nearest to the rest. So it is known to a relative
 * 2^-106, far better than the double that it weighs; a weight below 2^-1074 is 0. The power is
 * taken in decimal arithmetic of 80 digits, which rounds the same way in every JVM.
 *
 * @param high the nearest double
 * @param low the double nearest to what high leaves
 */
record MiniBatchWeight(double high, double low) {
  /** k squarings and products lose at most a few k units of the last digit. */
  private static final MathContext DIGITS = new MathContext(80);

  /** Decimal exponent of what is nothing, even as the low part of a weight. */
  private static final int NOTHING = -800;

  private static final MiniBatchWeight ZERO = new MiniBatchWeight(0, 0);

  /**
   * {@code keep^followers * fresh}; {@code 0^0} is 1.
   *
   * @param keep 0 to 1
   * @param fresh 0 to 1
   * @param followers 0 or more
   */
  static MiniBatchWeight of(double keep, double fresh, long followers) {
    BigDecimal power = new BigDecimal(fresh);
    BigDecimal square = new BigDecimal(keep);
    for (long left = followers; left > 0; left >>= 1) {
      // Of what is left, the highest bit takes this square or a smaller one.
      if (isNothing(power) || isNothing(square)) {
        return ZERO;
      }
      if ((left & 1) == 1) {
        power = power.multiply(square, DIGITS);
      }
      square = square.multiply(square, DIGITS);
    }
    double high = power.doubleValue();
    return new MiniBatchWeight(high, power.subtract(new BigDecimal(high)).doubleValue());
  }

  private static boolean isNothing(BigDecimal value) {
    return value.signum() == 0 || value.precision() - value.scale() < NOTHING;
  }
}
