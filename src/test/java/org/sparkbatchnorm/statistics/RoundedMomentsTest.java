package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.tensor.DType;

/** Worked numbers; each is exact arithmetic on the doubles given. */
class RoundedMomentsTest {
  private static ExactSums sums(double... values) {
    ExactSums sums = ExactSums.forChannels(2);
    Arrays.stream(values).forEach(value -> sums.add(1, value));
    return sums;
  }

  private static RoundedMoments moments(double... values) {
    return new RoundedMoments(sums(values));
  }

  @Test
  void aLargeMeanCostsNothing() {
    RoundedMoments moments = moments(1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16);
    assertThat(moments.mean(1, DType.F64)).isEqualTo(1e9 + 10);
    assertThat(moments.unbiasedVariance(1, DType.F64)).isEqualTo(30);
    assertThat(moments.biasedVariance(1, DType.F64)).isEqualTo(22.5);
  }

  @Test
  void anEmptyMiniBatchChangesNothing() {
    ExactSums sums = sums(1, 3);
    sums.merge(ExactSums.forChannels(2));
    sums.merge(sums(11, 13));
    assertThat(new RoundedMoments(sums).mean(1, DType.F64)).isEqualTo(7);
  }

  @Test
  void countsBeyondWhatFloatsAndDoublesHoldAreExact() {
    for (long n : new long[] {(1L << 24) + 1, (1L << 31) + 5, (1L << 53) + 1, Long.MAX_VALUE}) {
      ExactSums sums = ExactSums.forChannels(1);
      sums.addToCount(0, n); // one 1, and zeros
      sums.addToSum(0, 1, 0);
      sums.addToSquares(0, 1, 0);
      RoundedMoments moments = new RoundedMoments(sums);
      double reciprocal =
          BigDecimal.ONE.divide(BigDecimal.valueOf(n), MathContext.DECIMAL128).doubleValue();
      assertThat(moments.mean(0, DType.F64)).isEqualTo(reciprocal);
      // (n - 1) / (n (n - 1)) = 1 / n
      assertThat(moments.unbiasedVariance(0, DType.F64)).isEqualTo(reciprocal);
    }
  }

  @Test
  void theVarianceOfEqualValuesIsPlusZero() {
    for (double value : new double[] {0, -0.0, 0.1, -1e300, Double.MIN_VALUE, Double.MAX_VALUE}) {
      for (int n : new int[] {1, 2, 3, 1_000}) {
        double[] values = new double[n];
        Arrays.fill(values, value);
        RoundedMoments moments = moments(values);
        assertThat(moments.isConstant(1)).isTrue();
        assertThat(Double.doubleToRawLongBits(moments.mean(1, DType.F64)))
            .isEqualTo(Double.doubleToRawLongBits(value + 0.0)); // of zeros, +0.0
        assertThat(Double.doubleToRawLongBits(moments.biasedVariance(1, DType.F64))).isZero();
      }
    }
    assertThat(moments().isConstant(1)).isFalse();
  }

  @Test
  void neighboursAreNotConstant() {
    double next = Math.nextUp(1e7);
    RoundedMoments moments = moments(1e7, 1e7, next);
    double ulp = next - 1e7;
    assertThat(moments.isConstant(1)).isFalse();
    assertThat(moments.biasedVariance(1, DType.F64)).isEqualTo(ulp * ulp * 2 / 9);
    assertThat(moments(0, Double.MIN_VALUE).isConstant(1)).isFalse();
    assertThat(moments(0, Double.MIN_VALUE).biasedVariance(1, DType.F64)).isEqualTo(0.0);
  }

  @Test
  void whatATargetCannotHoldBecomesInfiniteOrZero() {
    RoundedMoments moments = moments(-1e10, -1e10, -3e10);
    assertThat(moments.mean(1, DType.F16)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(moments.mean(1, DType.F32)).isEqualTo((float) (-5e10 / 3));
    assertThat(moments.unbiasedVariance(1, DType.F16)).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(moments(1e200, -1e200).unbiasedVariance(1, DType.F64))
        .isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(moments(1e-9, 2e-9).mean(1, DType.F16)).isEqualTo(0.0);
    assertThat(moments(1e-9, 2e-9).unbiasedVariance(1, DType.F32)).isEqualTo((float) 5e-19);
  }

  @Test
  void squaresBeyondDoublesAreExact() {
    RoundedMoments moments = moments(0x1p560, 0x1p560, 0x1.0000000000001p560);
    // One deviates by 2^508: 2^1016 (1/3 - 1/9).
    assertThat(moments.biasedVariance(1, DType.F64)).isEqualTo(0x1p1016 * (2.0 / 9));
  }

  /** [1, 2], [3, 4], [10, 12]: means 1.5, 3.5, 11, unbiased variances .5, .5, 2. */
  @Test
  void momentsOfMiniBatchesAreAveragedExactly() {
    double[][] miniBatches = {{1, 2}, {3, 4}, {10, 12}};
    ExactSums means = ExactSums.forChannels(1);
    ExactSums variances = ExactSums.forChannels(1);
    for (double[] miniBatch : miniBatches) {
      RoundedMoments moments = moments(miniBatch);
      means.add(0, moments.mean(1, DType.F64));
      variances.add(0, moments.unbiasedVariance(1, DType.F64));
    }
    assertThat(new RoundedMoments(means).mean(0, DType.F64)).isEqualTo(16.0 / 3);
    assertThat(new RoundedMoments(variances).mean(0, DType.F64)).isEqualTo(1);
  }

  @Test
  void tooFewValuesAreNamed() {
    assertThatThrownBy(() -> moments().mean(1, DType.F32))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 1 has 0 values, but a mean needs at least 1");
    assertThatThrownBy(() -> moments().biasedVariance(1, DType.F32))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 1 has 0 values, but a biased variance needs at least 1");
    assertThatThrownBy(() -> moments(5).unbiasedVariance(1, DType.F32))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 1 has 1 value, but an unbiased variance needs at least 2");
  }
}
