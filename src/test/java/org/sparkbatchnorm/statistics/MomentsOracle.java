package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.MathContext;

/**
 * Moments of one channel in exact arithmetic: sums without rounding, quotients to 60 digits, where
 * a double has 17. Values that are not finite are left out.
 */
final class MomentsOracle {
  private static final MathContext DIGITS = new MathContext(60);

  /** 2^-53, the relative error of one double operation. */
  private static final double U = 0x1p-53;

  private long count;
  private double largest;
  private BigDecimal sum = BigDecimal.ZERO;
  private BigDecimal squares = BigDecimal.ZERO;

  static MomentsOracle of(double... values) {
    MomentsOracle moments = new MomentsOracle();
    for (double value : values) {
      moments.add(value);
    }
    return moments;
  }

  void add(double value) {
    if (Double.isFinite(value)) {
      BigDecimal x = new BigDecimal(value);
      count++;
      largest = Math.max(largest, Math.abs(value));
      sum = sum.add(x);
      squares = squares.add(x.multiply(x));
    }
  }

  long count() {
    return count;
  }

  BigDecimal mean() {
    return sum.divide(BigDecimal.valueOf(count), DIGITS);
  }

  /** (n Q - S^2) / n. */
  BigDecimal m2() {
    BigDecimal n = BigDecimal.valueOf(count);
    return n.multiply(squares).subtract(sum.multiply(sum)).divide(n, DIGITS);
  }

  /**
   * Checks moments that were computed in doubles, from pieces that were merged.
   *
   * @param merges how many pieces there were
   */
  void assertNear(ChannelMoments moments, int channel, int merges) {
    assertThat(moments.count(channel)).as("count of channel %d", channel).isEqualTo(count);
    if (count > 0) {
      assertNear(moments.mean(channel), moments.biasedVariance(channel), merges);
    }
    if (count > 1) {
      double biased = moments.biasedVariance(channel) * count / (count - 1);
      // Two quotients and a product, each rounded once.
      assertThat(moments.unbiasedVariance(channel))
          .isBetween(biased * (1 - 4 * U), biased * (1 + 4 * U));
    }
  }

  private void assertNear(double mean, double biasedVariance, int merges) {
    double exactVariance = m2().divide(BigDecimal.valueOf(count), DIGITS).doubleValue();
    double deviation = Math.sqrt(exactVariance);
    // A merge rounds its difference, its product and its sum, each no larger than 2 * largest; a
    // piece's sum of n deviations is off by n u of their size.
    double meanBound = U * ((6.0 * merges + 4) * largest + count * deviation);
    assertThat(distance(mean, mean()))
        .as("mean %s, exactly %s", mean, mean().round(MathContext.DECIMAL64))
        .isLessThanOrEqualTo(meanBound);
    if (exactVariance == 0) {
      assertThat(biasedVariance).isEqualTo(+0.0);
      return;
    }
    // Corrected two-pass: n u + n^3 u^3 kappa^2 (Chan, Golub and LeVeque 1983, the bounds). A merge
    // squares a difference of means, which are off by about u * largest, that is u * kappa standard
    // deviations.
    double kappa = largest / deviation;
    double perMerges = 6.0 * merges * U * kappa;
    double bound =
        U * (count + 4.0 * merges)
            + perMerges
            + perMerges * perMerges
            + Math.pow(count * U, 3) * kappa * kappa;
    assertThat(distance(biasedVariance * count, m2()) / m2().doubleValue())
        .as("biased variance %s, exactly %s", biasedVariance, exactVariance)
        .isLessThanOrEqualTo(bound);
  }

  private static double distance(double found, BigDecimal exact) {
    return new BigDecimal(found).subtract(exact).abs().doubleValue();
  }
}
