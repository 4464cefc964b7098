package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class WelfordMomentsTest extends MomentsContractTest {
  private static final long SEED = 15_020_3167;

  @Override
  Accumulation accumulation() {
    return Accumulation.WELFORD;
  }

  @Override
  void assertNear(ChannelMoments state, int channel, MomentsOracle exact, int merges) {
    exact.assertNear(state, channel, merges);
  }

  /** Three pieces of the accumulator's own. */
  @ParameterizedTest
  @EnumSource
  void isNearExactArithmeticOnEveryKindOfData(Values kind) {
    double[] values = kind.draw(new Random(SEED), 70_000);
    MomentsOracle.of(values).assertNear(Blocks.moments(1, Blocks.channel(values)), 0, 3);
  }

  /** Acceptance 15: rows of deviation 0.1 around an offset, as floats. */
  @ParameterizedTest
  @CsvSource({"4097", "1e5"})
  void anOffsetDoesNotCancel(double offset) {
    Random random = new Random(SEED);
    double[] values = random.doubles(4096).map(x -> (float) (offset + 0.1 * (x - 0.5))).toArray();
    MomentsOracle.of(values).assertNear(Blocks.moments(1, Blocks.channel(values)), 0, 1);
  }

  /** Acceptance 14, exact by hand: deviations -6, -3, 3, 6. */
  @Test
  void smallDeviationsFromABillionAreExact() {
    ChannelMoments moments =
        Blocks.moments(1, Blocks.channel(1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16));
    assertThat(moments.mean(0)).isEqualTo(1e9 + 10);
    assertThat(moments.unbiasedVariance(0)).isEqualTo(30);
    assertThat(moments.biasedVariance(0)).isEqualTo(22.5);
  }

  /** Acceptance 11, exact by hand: mean 16/3, M2 310/3. */
  @Test
  void batchesOfDifferentSizesPool() {
    ChannelMoments moments =
        Blocks.moments(1, Blocks.channel(1, 2, 3, 4))
            .merge(Blocks.moments(1, Blocks.channel(10, 12)));
    assertThat(moments.count(0)).isEqualTo(6);
    // One ulp for each of the merge's roundings that is not exact.
    assertThat(Math.abs(moments.mean(0) - 16 / 3.0)).isLessThanOrEqualTo(2 * Math.ulp(16 / 3.0));
    assertThat(Math.abs(moments.biasedVariance(0) - 310 / 18.0))
        .isLessThanOrEqualTo(3 * Math.ulp(310 / 18.0));
    assertThat(Math.abs(moments.unbiasedVariance(0) - 310 / 15.0))
        .isLessThanOrEqualTo(3 * Math.ulp(310 / 15.0));
  }

  @Test
  void equalToTheBitOnly() {
    ChannelMoments moments = Blocks.moments(1, Blocks.channel(1, 2, 4));
    assertThat(moments)
        .isEqualTo(Blocks.moments(1, Blocks.channel(1, 2, 4)))
        .hasSameHashCodeAs(Blocks.moments(1, Blocks.channel(1, 2, 4)))
        .isNotEqualTo(Blocks.moments(1, Blocks.channel(1, 2, Math.nextUp(4.0))))
        .isNotEqualTo(Blocks.moments(1, Blocks.channel(1, 2, 4, Double.NaN)));
  }

  @Test
  void survivesJavaSerialization() throws Exception {
    ChannelMoments moments =
        Blocks.moments(1, Blocks.channel(1, 2, Double.NaN, Double.NEGATIVE_INFINITY));
    assertThat(Serialized.copy(moments)).isEqualTo(moments);
  }
}
