package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The oracle is BigDecimal. */
class ProductSumsTest {
  private static final long SEED = 31;
  private static final BigDecimal UNIT =
      new BigDecimal(BigInteger.ONE)
          .divide(new BigDecimal(BigInteger.ONE.shiftLeft(-ProductSums.UNIT_EXPONENT)));

  /** Of any exponent, subnormal ones among them, and zeros of both signs. */
  private static double draw(SplittableRandom random) {
    if (random.nextInt(20) == 0) {
      return random.nextBoolean() ? 0.0 : -0.0;
    }
    double value;
    do {
      value = Double.longBitsToDouble(random.nextLong());
    } while (!Double.isFinite(value));
    return random.nextBoolean() ? value : Math.scalb(value, -1100);
  }

  private static BigDecimal value(ProductSums sums, int number) {
    return new BigDecimal(sums.value(number)).multiply(UNIT);
  }

  @Test
  void productsOfAnyDoublesAreExactAndSurviveSerialization() throws Exception {
    SplittableRandom random = new SplittableRandom(SEED);
    for (int trial = 0; trial < 50; trial++) {
      ProductSums sums = ProductSums.zeros(3);
      BigDecimal expected = BigDecimal.ZERO;
      for (int i = random.nextInt(40); i > 0; i--) {
        double a = draw(random);
        double b = draw(random);
        sums.add(1, a, b);
        expected = expected.add(new BigDecimal(a).multiply(new BigDecimal(b)));
      }
      ProductSums copy = Serialized.copy(sums);
      for (ProductSums each : new ProductSums[] {sums, copy, sums.copy()}) {
        assertThat(value(each, 1)).as("seed %d", SEED).isEqualByComparingTo(expected);
        assertThat(each.value(0)).isZero();
        assertThat(each.value(2)).isZero();
      }
    }
  }

  @Test
  void theLargestAndTheSmallestProduct() throws Exception {
    ProductSums sums = ProductSums.zeros(4);
    sums.add(0, Double.MAX_VALUE, -Double.MAX_VALUE);
    sums.add(1, Double.MIN_VALUE, Double.MIN_VALUE);
    sums.add(2, Double.MAX_VALUE, Double.MAX_VALUE);
    sums.add(2, Double.MIN_VALUE, -Double.MIN_VALUE);
    sums.add(3, -Double.MIN_VALUE, Double.MIN_VALUE);
    ProductSums copy = Serialized.copy(sums);
    BigDecimal most = new BigDecimal(Double.MAX_VALUE).pow(2);
    assertThat(value(copy, 0)).isEqualByComparingTo(most.negate());
    assertThat(copy.value(1)).isOne();
    assertThat(value(copy, 2)).isEqualByComparingTo(most.subtract(UNIT));
    assertThat(copy.value(3)).isEqualTo(BigInteger.ONE.negate());
    copy.addAll(sums);
    assertThat(copy.value(3)).isEqualTo(BigInteger.TWO.negate());
  }
}
