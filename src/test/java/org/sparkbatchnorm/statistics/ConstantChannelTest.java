package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.tensor.ChannelView;

/** Hostile input 29: a channel whose values are all equal has variance +0.0 and that mean. */
class ConstantChannelTest {

  @ParameterizedTest
  @ValueSource(
      doubles = {
        0.1,
        0.1f,
        Float.MIN_VALUE,
        3e38f,
        -1.7e308,
        4.9e-324,
        -0.0,
        1 / 3.0,
        1e7 + 1 / 3.0,
        2.2e-308,
        65504
      })
  void varianceIsExactlyZeroThroughAnyBlocksAndMerges(double value) {
    Random random = new Random(1);
    for (int inner : new int[] {1, 3, 49}) {
      for (int channels : new int[] {1, 2, 40}) {
        ChannelMoments merged = ChannelMoments.empty(channels, Accumulation.WELFORD);
        for (int block = 0; block < 20; block++) {
          ChannelView view = new ChannelView(1 + random.nextInt(50), channels, inner);
          double[] values = new double[Math.toIntExact(view.elements())];
          Arrays.fill(values, value);
          if (block % 3 == 0) {
            values[random.nextInt(values.length)] = Double.NaN;
            values[random.nextInt(values.length)] = Double.NEGATIVE_INFINITY;
          }
          merged = merged.merge(Blocks.moments(channels, Blocks.whole(view, values)));
        }
        for (int c = 0; c < channels; c++) {
          assertThat(merged.isConstant(c)).isTrue();
          assertThat(merged.biasedVariance(c)).isEqualTo(+0.0);
          assertThat(merged.unbiasedVariance(c)).isEqualTo(+0.0);
          assertThat(merged.mean(c)).isEqualTo(value + 0.0);
        }
      }
    }
  }

  @Test
  void aChannelThatDiffersInItsLastBitIsNotConstant() {
    for (double value : new double[] {0.1, Float.MIN_VALUE, 3e38f, 1e7, 1}) {
      for (double next : new double[] {Math.nextUp((float) value), Math.nextUp(value)}) {
        assertThat(Blocks.moments(1, Blocks.channel(value, value, next)).isConstant(0)).isFalse();
        assertThat(
                Blocks.moments(1, Blocks.channel(value, value))
                    .merge(Blocks.moments(1, Blocks.channel(next)))
                    .isConstant(0))
            .isFalse();
      }
    }
  }

  @Test
  void constantNeighboursOfAChannelThatVaries() {
    ChannelView view = new ChannelView(3, 3, 1);
    ChannelMoments moments = Blocks.moments(3, Blocks.whole(view, 5, 1, 7, 5, 2, 7, 5, 3, 7));
    assertThat(moments.isConstant(0)).isTrue();
    assertThat(moments.isConstant(1)).isFalse();
    assertThat(moments.isConstant(2)).isTrue();
  }

  @Test
  void nothingIsNotConstantAndOneValueIs() {
    assertThat(ChannelMoments.empty(1, Accumulation.WELFORD).isConstant(0)).isFalse();
    assertThat(Blocks.moments(1, Blocks.channel(Double.NaN)).isConstant(0)).isFalse();
    assertThat(Blocks.moments(1, Blocks.channel(3)).isConstant(0)).isTrue();
  }
}
