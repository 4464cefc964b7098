package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The oracle is BigDecimal without rounding. */
class MiniBatchWeightTest {
  private static final long SEED = 20_261;

  /** Of the weight itself; half an ulp of what the nearest double leaves, which is half an ulp. */
  private static final BigDecimal RELATIVE = new BigDecimal(Math.scalb(1.0, -106));

  private static BigDecimal exact(double keep, double fresh, int followers) {
    return new BigDecimal(keep).pow(followers).multiply(new BigDecimal(fresh));
  }

  private static void assertWeight(double keep, double fresh, int followers) {
    BigDecimal exact = exact(keep, fresh, followers);
    MiniBatchWeight weight = MiniBatchWeight.of(keep, fresh, followers);
    String what = "seed " + SEED + ": " + keep + "^" + followers + " * " + fresh;
    assertThat(weight.high()).as(what).isEqualTo(exact.doubleValue());
    BigDecimal error =
        new BigDecimal(weight.high()).add(new BigDecimal(weight.low())).subtract(exact).abs();
    // Near the smallest doubles the low part has steps of 2^-1074.
    BigDecimal most = exact.multiply(RELATIVE).add(new BigDecimal(Double.MIN_VALUE));
    assertThat(error).as(what).isLessThanOrEqualTo(most);
  }

  @Test
  void isThePowerToTwiceThePrecisionOfADouble() {
    SplittableRandom random = new SplittableRandom(SEED);
    for (int trial = 0; trial < 2_000; trial++) {
      double keep = random.nextInt(4) == 0 ? 1 - random.nextDouble() / 1000 : random.nextDouble();
      assertWeight(keep, random.nextDouble(), random.nextInt(random.nextInt(4) == 0 ? 300 : 12));
    }
    for (int followers = 0; followers < 200; followers++) {
      assertWeight(0.9, 0.1, followers);
      assertWeight(0.99, 1 - 0.99, followers);
    }
  }

  /** 2^-1074 is the last one: what is below has no double, and a BigDecimal of many digits. */
  @ParameterizedTest
  @CsvSource({
    "0, 0.5, 0, 0.5",
    "0, 0.5, 1, 0",
    "0, 0.5, 9223372036854775807, 0",
    "0.5, 0, 3, 0",
    "1, 0.25, 9223372036854775807, 0.25",
    "0.5, 1, 1074, 4.9E-324",
    "0.5, 1, 1076, 0",
    "0.5, 1, 9223372036854775807, 0",
    "4.9E-324, 1, 1, 4.9E-324",
    "4.9E-324, 1, 2, 0",
    "4.9E-324, 1, 4611686018427387904, 0",
    "0.9999999999999999, 1, 1, 0.9999999999999999"
  })
  void atTheEnds(double keep, double fresh, long followers, double weight) {
    MiniBatchWeight found = MiniBatchWeight.of(keep, fresh, followers);
    assertThat(found.high()).isEqualTo(weight);
    assertThat(Math.abs(found.low())).isZero();
  }

  /** exp(-2^53 ln2 * 2^-53): (1 - 2^-53)^(2^53 ln 2) is one half, but for 2^-53 of it. */
  @Test
  void manyFollowers() {
    long followers = Math.round(0x1p53 * Math.log(2));
    assertThat(MiniBatchWeight.of(1 - 0x1p-53, 1, followers).high())
        .isBetween(0.5 - 0x1p-50, 0.5 + 0x1p-50);
  }
}
