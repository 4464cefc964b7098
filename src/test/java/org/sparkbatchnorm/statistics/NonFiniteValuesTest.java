package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Hostile input 26: NaN and infinities are counted apart and take no part in anything else. */
class NonFiniteValuesTest {
  private static final long SEED = 26;

  private static final double[] NON_FINITE = {
    Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY
  };

  @ParameterizedTest
  @CsvSource({"5, 3, 1", "4, 1, 6", "3, 2, 4", "2, 40, 1", "2, 3, 5"})
  void oneAnywhereIsLeftOutAndFound(int outer, int channels, int inner) {
    ChannelView view = new ChannelView(outer, channels, inner);
    Random random = new Random(SEED);
    for (double nonFinite : NON_FINITE) {
      for (int at = 0; at < view.elements(); at++) {
        double[] values = random.doubles(view.elements()).toArray();
        values[at] = nonFinite;
        ChannelMomentsAccumulator accumulator =
            ChannelMomentsAccumulator.forChannels(channels, Accumulation.WELFORD);
        assertThat(accumulator.add(Blocks.whole(view, values))).isEqualTo(at);
        ChannelMoments moments = accumulator.snapshot();
        for (int c = 0; c < channels; c++) {
          MomentsOracle.of(Blocks.ofChannel(values, view, c)).assertNear(moments, c, 1);
        }
        NonFiniteCounts counts = moments.nonFinite();
        int channel = at / inner % channels;
        assertThat(counts.total()).isEqualTo(1);
        assertThat(counts.inChannel(channel)).isEqualTo(1);
        assertThat(counts.nan(channel)).isEqualTo(Double.isNaN(nonFinite) ? 1 : 0);
        assertThat(counts.positiveInfinity(channel)).isEqualTo(nonFinite > 0 ? 1 : 0);
        assertThat(counts.negativeInfinity(channel)).isEqualTo(nonFinite < 0 ? 1 : 0);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void manyAmongValuesOfEveryKind(Values kind) {
    Random random = new Random(SEED);
    ChannelView view = new ChannelView(600, 9, 13);
    double[] values = kind.draw(random, Math.toIntExact(view.elements()));
    for (int i = 0; i < values.length; i++) {
      if (random.nextInt(4) == 0) {
        values[i] = NON_FINITE[random.nextInt(3)];
      }
    }
    ChannelMoments moments = Blocks.moments(9, Blocks.whole(view, values));
    for (int c = 0; c < 9; c++) {
      double[] ofChannel = Blocks.ofChannel(values, view, c);
      MomentsOracle exact = MomentsOracle.of(ofChannel);
      exact.assertNear(moments, c, 3);
      assertThat(moments.nonFinite().inChannel(c)).isEqualTo(ofChannel.length - exact.count());
    }
  }

  @Test
  void theFirstIsFoundByItsPlaceInTheWholeArray() {
    ChannelView view = new ChannelView(50_000, 2, 1);
    double[] values = new double[100_000];
    values[40_000] = Double.NaN;
    values[40_001] = Double.NaN;
    values[90_000] = Double.POSITIVE_INFINITY;
    ByteBuffer bytes = Blocks.bytes(DType.F16, ByteOrder.LITTLE_ENDIAN, values);
    ChannelMomentsAccumulator accumulator =
        ChannelMomentsAccumulator.forChannels(2, Accumulation.WELFORD);
    assertThat(accumulator.add(Blocks.part(DType.F16, bytes, view, 0, 40_000)))
        .isEqualTo(ChannelMomentsAccumulator.ALL_FINITE);
    assertThat(accumulator.add(Blocks.part(DType.F16, bytes, view, 101, 100_000)))
        .isEqualTo(40_000);
    assertThat(accumulator.add(Blocks.part(DType.F16, bytes, view, 40_001, 40_002)))
        .isEqualTo(40_001);
    assertThat(accumulator.add(Blocks.part(DType.F16, bytes, view, 40_002, 100_000)))
        .isEqualTo(90_000);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 7", "3, 1", "3, 7", "40, 1"})
  void allValuesMayBe(int channels, int inner) {
    ChannelView view = new ChannelView(3, channels, inner);
    double[] values = new double[Math.toIntExact(view.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = NON_FINITE[i % 3];
    }
    ChannelMoments moments = Blocks.moments(channels, Blocks.whole(view, values));
    for (int c = 0; c < channels; c++) {
      assertThat(moments.count(c)).isZero();
      assertThat(moments.nonFinite().inChannel(c)).isEqualTo(3L * inner);
    }
    assertThat(moments.nonFinite().total()).isEqualTo(values.length);
  }

  @Test
  void countsMergeAndDoNotDependOnOrder() {
    ChannelMoments a = Blocks.moments(1, Blocks.channel(Double.NaN, 1, Double.NaN));
    ChannelMoments b = Blocks.moments(1, Blocks.channel(Double.POSITIVE_INFINITY, Double.NaN));
    NonFiniteCounts counts = a.merge(b).nonFinite();
    assertThat(counts).isEqualTo(b.merge(a).nonFinite());
    assertThat(counts.nan(0)).isEqualTo(3);
    assertThat(counts.positiveInfinity(0)).isEqualTo(1);
    assertThat(counts.negativeInfinity(0)).isZero();
  }

  @Test
  void halfTypesHaveThemToo() {
    ChannelView view = new ChannelView(3, 1, 1);
    for (DType dtype : new DType[] {DType.F16, DType.BF16, DType.F32}) {
      ByteBuffer bytes =
          Blocks.bytes(dtype, ByteOrder.BIG_ENDIAN, 2, Double.NaN, Double.NEGATIVE_INFINITY);
      ChannelMoments moments = Blocks.moments(1, TensorBlock.whole(dtype, bytes, view));
      assertThat(moments.count(0)).isEqualTo(1);
      assertThat(moments.nonFinite().nan(0)).isEqualTo(1);
      assertThat(moments.nonFinite().negativeInfinity(0)).isEqualTo(1);
    }
  }
}
