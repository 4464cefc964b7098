package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.tensor.ChannelView;

/** Hostile input 28, doubles: the mean is right even where sums or squares leave their range. */
class ExtremeDoublesTest {
  private static final double MAX = Double.MAX_VALUE;

  /** A thousand values: the sum of their differences from the first one overflows. */
  @ParameterizedTest
  @CsvSource({"1, 1", "1, 10", "2, 1", "2, 10", "40, 1"})
  void sumsMayOverflow(int channels, int inner) {
    ChannelView view = new ChannelView(1000 / inner, channels, inner);
    double[] values = new double[Math.toIntExact(view.elements())];
    for (int i = 0; i < values.length; i++) {
      // -1 once, then 1: the mean is 1 - 2 / 1000.
      values[i] = i < channels * inner && i % inner == 0 ? -1e308 : 1e308;
    }
    ChannelMoments moments = Blocks.moments(channels, Blocks.whole(view, values));
    for (int c = 0; c < channels; c++) {
      assertThat(moments.mean(c) / 1e308).isBetween(0.998 - 1e-13, 0.998 + 1e-13);
      assertThat(moments.biasedVariance(c)).isInfinite().isPositive();
      assertThat(moments.isConstant(c)).isFalse();
    }
    assertThat(moments.nonFinite().total()).isZero();
  }

  @Test
  void anOverflowLeavesOtherChannelsAlone() {
    ChannelView view = new ChannelView(3, 2, 1);
    ChannelMoments moments = Blocks.moments(2, Blocks.whole(view, -MAX, 1, MAX, 2, MAX, 3));
    assertThat(moments.mean(1)).isEqualTo(2);
    assertThat(moments.unbiasedVariance(1)).isEqualTo(1);
    // (MAX / 3) to rounding.
    assertThat(moments.mean(0) / MAX).isBetween(1 / 3.0 - 1e-15, 1 / 3.0 + 1e-15);
  }

  @Test
  void anOverflowBesideNaN() {
    ChannelMoments moments = Blocks.moments(1, Blocks.channel(MAX, Double.NaN, -MAX, MAX, MAX));
    assertThat(moments.count(0)).isEqualTo(4);
    assertThat(moments.mean(0) / MAX).isBetween(0.5 - 1e-15, 0.5 + 1e-15);
    assertThat(moments.biasedVariance(0)).isInfinite().isPositive();
  }

  @Test
  void meansFurtherApartThanTheLargestDoubleMerge() {
    ChannelMoments high = Blocks.moments(1, Blocks.channel(MAX, MAX, MAX));
    ChannelMoments low = Blocks.moments(1, Blocks.channel(-MAX));
    assertThat(high.merge(low)).isEqualTo(low.merge(high));
    assertThat(high.merge(low).mean(0) / MAX).isBetween(0.5 - 1e-15, 0.5 + 1e-15);
    assertThat(high.merge(low).biasedVariance(0)).isInfinite().isPositive();
    assertThat(high.merge(high).mean(0)).isEqualTo(MAX);
    assertThat(high.merge(high).biasedVariance(0)).isEqualTo(+0.0);
  }

  @Test
  void onceInfiniteAVarianceStaysSoAndIsNeverNaN() {
    ChannelMoments infinite = Blocks.moments(1, Blocks.channel(-1e200, 1e200));
    ChannelMoments merged = infinite.merge(infinite).merge(Blocks.moments(1, Blocks.channel(0, 0)));
    assertThat(merged.biasedVariance(0)).isInfinite().isPositive();
    assertThat(merged.mean(0)).isZero();
  }

  /** Squares of deviations below 1e-162 are 0: the variance is then 0, never negative. */
  @ParameterizedTest
  @ValueSource(doubles = {1e-170, 1e-200, 4.9e-324})
  void squaresMayUnderflow(double unit) {
    double[] values = new double[1000];
    Arrays.setAll(values, i -> i % 2 * unit);
    ChannelMoments moments = Blocks.moments(1, Blocks.channel(values));
    assertThat(moments.biasedVariance(0)).isEqualTo(+0.0);
    assertThat(moments.mean(0)).isBetween(0.0, unit);
  }
}
