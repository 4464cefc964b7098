package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;
import org.sparkbatchnorm.tensor.TensorBlock;

/** The same numbers in any type, order and cut are the same statistics. */
class ArrayLayoutTest {
  private static final long SEED = 170_814;

  /** Values of a piece of {@link ChannelMomentsAccumulator}. */
  private static final int PIECE = 32_768;

  private final Random random = new Random(SEED);

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "1, 2",
    "1, 3",
    "1, 49",
    "1, 784",
    "2, 1",
    "2, 2",
    "2, 3",
    "2, 49",
    "2, 784",
    "3, 1",
    "3, 2",
    "3, 3",
    "3, 49",
    "3, 784",
    "31, 1",
    "32, 1",
    "64, 1",
    "64, 2",
    "64, 3",
    "64, 49",
    "64, 784",
    "2048, 1",
    "2048, 2",
    "2048, 3",
    "2048, 49",
    "33000, 1",
    "2, 40000"
  })
  void channelsAreToldApartInEveryShape(int channels, int inner) {
    int row = channels * inner;
    // At least two rows, and more than one piece with a ragged end.
    ChannelView view = new ChannelView(2 + (PIECE + 1000) / row, channels, inner);
    double[] values = gaussianOnOffsets(view);
    int pieces = 1 + values.length / PIECE;
    ChannelMoments moments =
        Blocks.moments(
            channels,
            TensorBlock.whole(
                DType.F32, Blocks.bytes(DType.F32, ByteOrder.BIG_ENDIAN, values), view));
    // Every channel where there are few, else those at the edges and some between.
    for (int c = 0; c < channels; c += c < 70 || c > channels - 3 ? 1 : 61) {
      MomentsOracle.of(Blocks.ofChannel(values, view, c)).assertNear(moments, c, pieces);
    }
  }

  /** Floats around their channel's number, so that a value in a wrong channel shows. */
  private double[] gaussianOnOffsets(ChannelView view) {
    double[] values = new double[Math.toIntExact(view.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (i / view.inner() % view.channels() + 0.1 * random.nextGaussian());
    }
    return values;
  }

  @ParameterizedTest
  @CsvSource({"7, 3, 1", "4, 3, 5", "3, 1, 11", "2, 40, 2", "3, 40, 1"})
  void blocksMayBeginAndEndAnywhere(int outer, int channels, int inner) {
    ChannelView view = new ChannelView(outer, channels, inner);
    double[] values = gaussianOnOffsets(view);
    ByteBuffer bytes = Blocks.bytes(DType.F32, ByteOrder.LITTLE_ENDIAN, values);
    for (int from = 0; from <= values.length; from++) {
      for (int to = from; to <= values.length; to += 1 + random.nextInt(20)) {
        assertNear(
            view,
            values,
            3,
            Blocks.moments(
                channels,
                Blocks.part(DType.F32, bytes, view, 0, from),
                Blocks.part(DType.F32, bytes, view, from, to),
                Blocks.part(DType.F32, bytes, view, to, values.length)));
      }
    }
  }

  private static void assertNear(
      ChannelView view, double[] values, int merges, ChannelMoments moments) {
    for (int c = 0; c < view.channels(); c++) {
      MomentsOracle.of(Blocks.ofChannel(values, view, c)).assertNear(moments, c, merges);
    }
  }

  /** Large enough for several pieces, the later of which begin inside a row and a run. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 100, PIECE - 1, PIECE, PIECE + 1, 70_000})
  void aLongBlockIsCutIntoPiecesAnywhere(int firstElement) {
    ChannelView view = new ChannelView(100, 7, 145);
    double[] values = gaussianOnOffsets(view);
    ByteBuffer bytes = Blocks.bytes(DType.F32, ByteOrder.LITTLE_ENDIAN, values);
    ChannelMoments moments =
        Blocks.moments(
            7,
            Blocks.part(DType.F32, bytes, view, 0, firstElement),
            Blocks.part(DType.F32, bytes, view, firstElement, values.length));
    assertNear(view, values, 6, moments);
  }

  /** Small integers are the same in all 11 types, and so are their moments, to the bit. */
  @ParameterizedTest
  @EnumSource
  void everyTypeAndByteOrderHoldsTheSameIntegers(DType dtype) {
    ChannelView view = new ChannelView(20, 5, 6);
    double[] values = random.ints(600, 0, 128).asDoubleStream().toArray();
    ChannelMoments expected = Blocks.moments(5, Blocks.whole(view, values));
    for (ByteOrder order : new ByteOrder[] {ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN}) {
      ByteBuffer bytes = Blocks.bytes(dtype, order, values);
      assertThat(Blocks.moments(5, TensorBlock.whole(dtype, bytes, view)))
          .as("%s", order)
          .isEqualTo(expected);
      assertThat(bytes.position()).isZero();
    }
  }

  @Test
  void unsignedTypesReachBeyondSignedOnes() {
    ChannelView view = new ChannelView(2, 1, 1);
    ByteBuffer bytes = ByteBuffer.wrap(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1});
    assertThat(Blocks.moments(1, TensorBlock.whole(DType.U32, bytes, view)).mean(0))
        .isEqualTo(4294967295.0);
    bytes.limit(4);
    assertThat(Blocks.moments(1, TensorBlock.whole(DType.U16, bytes, view)).mean(0))
        .isEqualTo(65535);
    bytes.limit(2);
    assertThat(Blocks.moments(1, TensorBlock.whole(DType.U8, bytes, view)).mean(0)).isEqualTo(255);
    assertThat(Blocks.moments(1, TensorBlock.whole(DType.I8, bytes, view)).mean(0)).isEqualTo(-1);
  }

  /** Acceptance 22: [N, C, H, W], [N, H, W, C] and the column-major forms of both. */
  @Test
  void layoutsAndElementOrdersOfTheSameDataAgree() {
    int[] lengths = {6, 4, 5, 7};
    Shape nchw = Shape.of(6, 4, 5, 7);
    Shape nhwc = Shape.of(6, 5, 7, 4);
    double[] values = gaussianOnOffsets(new ChannelView(6, 4, 35));
    double[] channelsLast = new double[values.length];
    double[] columnMajor = new double[values.length];
    double[] channelsLastColumnMajor = new double[values.length];
    int[] at = new int[4];
    for (double value : values) {
      int n = at[0];
      int c = at[1];
      int h = at[2];
      int w = at[3];
      channelsLast[((n * 5 + h) * 7 + w) * 4 + c] = value;
      columnMajor[n + 6 * (c + 4 * (h + 5 * w))] = value;
      channelsLastColumnMajor[n + 6 * (h + 5 * (w + 7 * c))] = value;
      for (int axis = 3; axis >= 0 && ++at[axis] == lengths[axis]; axis--) {
        at[axis] = 0;
      }
    }
    ChannelView first = ChannelLayout.NCHW.view(nchw, ElementOrder.ROW_MAJOR);
    assertNear(first, values, 1, Blocks.moments(4, Blocks.whole(first, values)));
    assertNear(
        first,
        values,
        1,
        Blocks.moments(
            4, Blocks.whole(ChannelLayout.NHWC.view(nhwc, ElementOrder.ROW_MAJOR), channelsLast)));
    assertNear(
        first,
        values,
        1,
        Blocks.moments(
            4,
            Blocks.whole(ChannelLayout.NCHW.view(nchw, ElementOrder.COLUMN_MAJOR), columnMajor)));
    assertNear(
        first,
        values,
        1,
        Blocks.moments(
            4,
            Blocks.whole(
                ChannelLayout.NHWC.view(nhwc, ElementOrder.COLUMN_MAJOR),
                channelsLastColumnMajor)));
  }

  /** Hostile input 25. */
  @Test
  void arraysWithoutElementsChangeNothing() {
    ChannelMoments some = Blocks.moments(3, Blocks.whole(new ChannelView(1, 3, 1), 1, 2, 3));
    ChannelMoments withEmpty =
        Blocks.moments(
            3,
            Blocks.whole(new ChannelView(0, 3, 4)),
            Blocks.whole(new ChannelView(1, 3, 1), 1, 2, 3),
            Blocks.whole(new ChannelView(2, 3, 0)));
    assertThat(withEmpty).isEqualTo(some);
    assertThat(Blocks.moments(0, Blocks.whole(new ChannelView(5, 0, 4))))
        .isEqualTo(ChannelMoments.empty(0, Accumulation.WELFORD));
  }

  @Test
  void clearForgetsAndSnapshotsStay() {
    ChannelMomentsAccumulator accumulator =
        ChannelMomentsAccumulator.forChannels(1, Accumulation.WELFORD);
    accumulator.add(Blocks.channel(1, 2, Double.NaN));
    ChannelMoments before = accumulator.snapshot();
    accumulator.clear();
    assertThat(accumulator.snapshot()).isEqualTo(ChannelMoments.empty(1, Accumulation.WELFORD));
    accumulator.add(Blocks.channel(5));
    assertThat(accumulator.snapshot()).isEqualTo(Blocks.moments(1, Blocks.channel(5)));
    assertThat(before).isEqualTo(Blocks.moments(1, Blocks.channel(1, 2, Double.NaN)));
  }

  @Test
  void refusesAnotherNumberOfChannels() {
    ChannelMomentsAccumulator accumulator =
        ChannelMomentsAccumulator.forChannels(3, Accumulation.WELFORD);
    assertThatThrownBy(() -> accumulator.add(Blocks.channel(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected 3 channels, not 1");
    assertThatThrownBy(() -> ChannelMomentsAccumulator.forChannels(-1, Accumulation.WELFORD))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("negative number of channels: -1");
  }

  /** An array may be far larger than what is read of it at a time. */
  @Test
  void positionsBeyondAnIntAreFine() {
    ChannelView view = new ChannelView(1L << 40, 3, 5);
    long first = (1L << 40) * 15 - 6;
    double[] values = {1, 2, 2, 2, 2, 2};
    ByteBuffer bytes = Blocks.bytes(DType.F64, ByteOrder.LITTLE_ENDIAN, values);
    ChannelMoments moments = Blocks.moments(3, new TensorBlock(DType.F64, bytes, view, first));
    assertThat(moments.count(0)).isZero();
    assertThat(moments.count(1)).isEqualTo(1);
    assertThat(moments.count(2)).isEqualTo(5);
    assertThat(moments.mean(1)).isEqualTo(1);
    assertThat(moments.mean(2)).isEqualTo(2);
  }
}
