package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.TensorBlock;

/** A loop that is only measured would not be missed if it summed something else. */
class NaiveSumsTest {
  private static final int CHANNELS = 64;
  private static final int COUNT = 2 * CHANNELS;
  private static final long SEED = 7;

  /** Of some hundred values around 1 in doubles. */
  private static final double ROUNDING = 1e-12;

  static Stream<Arguments> sums() {
    return Stream.of(DType.F32, DType.F16, DType.BF16, DType.F64)
        .flatMap(
            dtype ->
                Stream.of(
                    Arguments.of(dtype, NaiveSums.vector()),
                    Arguments.of(dtype, new NaiveSums.Scalar())));
  }

  /** The same values, rounded to the type, as the loops see them. */
  private static double[] load(DType dtype, NaiveSums loops) {
    ByteBuffer bytes =
        ByteBuffer.allocate(COUNT * dtype.bytes() + KernelBenchmark.SLACK_BYTES)
            .order(ByteOrder.nativeOrder());
    bytes.put(KernelData.GAUSSIAN.of(dtype, COUNT, ByteOrder.nativeOrder(), new Random(SEED)));
    bytes.flip();
    double[] values = new double[COUNT];
    Elements.decode(dtype, bytes.duplicate().order(bytes.order()), values, COUNT);
    loops.load(new TensorBlock(dtype, bytes, new ChannelView(2, CHANNELS, 1), 0));
    return values;
  }

  @ParameterizedTest
  @MethodSource("sums")
  void rowsOfAnyLengthAreSummed(DType dtype, NaiveSums loops) {
    double[] values = load(dtype, loops);
    for (int from = 0; from < 9; from++) {
      for (int to = from; to <= COUNT; to++) {
        double[] sums = new double[2 * CHANNELS];
        loops.row(from, to, sums, 5);
        double s = 0;
        double q = 0;
        for (int i = from; i < to; i++) {
          s += values[i];
          q += values[i] * values[i];
        }
        assertThat(sums[10]).as("S of %d .. %d", from, to).isCloseTo(s, within(ROUNDING));
        assertThat(sums[11]).as("Q of %d .. %d", from, to).isCloseTo(q, within(ROUNDING));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("sums")
  void placesGoToTheirChannels(DType dtype, NaiveSums loops) {
    double[] values = load(dtype, loops);
    double[] sums = new double[2 * CHANNELS];
    loops.places(0, CHANNELS, sums);
    loops.places(CHANNELS, CHANNELS, sums);
    for (int c = 0; c < CHANNELS; c++) {
      double first = values[c];
      double second = values[CHANNELS + c];
      assertThat(sums[c]).isCloseTo(first + second, within(ROUNDING));
      assertThat(sums[CHANNELS + c]).isCloseTo(first * first + second * second, within(ROUNDING));
    }
  }
}
