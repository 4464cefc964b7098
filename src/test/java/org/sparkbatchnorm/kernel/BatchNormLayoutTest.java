package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.Shape;

/**
 * Every layout, every rank, lengths around the lane counts of vector units (2 to 16): each element
 * gets its own channel's formula, bit for bit.
 */
@ParameterizedClass
@EnumSource(Kernel.class)
class BatchNormLayoutTest {
  @Parameter private Kernel kernel;

  private static final long SEED = 104_729;
  private static final int[] LENGTHS = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33};

  static Stream<Arguments> layoutsAndRanks() {
    List<Arguments> cases = new ArrayList<>();
    for (ChannelLayout layout : ChannelLayout.values()) {
      boolean lettered = !layout.word().contains("-");
      for (int rank = 2; rank <= 5; rank++) {
        if (!lettered || layout.word().length() == rank) {
          cases.add(Arguments.of(layout, rank));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("layoutsAndRanks")
  void everyElementGetsItsOwnChannel(ChannelLayout layout, int rank) {
    SplittableRandom random = new SplittableRandom(SEED);
    int channelAxis = layout.channelAxis(rank);
    for (int channels : LENGTHS) {
      for (int length : LENGTHS) {
        long[] dimensions = new long[rank];
        Arrays.fill(dimensions, 1);
        dimensions[0] = 2;
        dimensions[rank == 2 ? 0 : channelAxis == 1 ? 2 : 1] = length;
        dimensions[channelAxis] = channels;
        check(layout, Shape.of(dimensions), random);
      }
    }
  }

  private void check(ChannelLayout layout, Shape shape, SplittableRandom random) {
    int channelAxis = layout.channelAxis(shape.rank());
    int channels = (int) shape.dimension(channelAxis);
    double[] mean = random.doubles(channels, -1, 1).toArray();
    double[] variance = random.doubles(channels, 0, 2).toArray();
    double[] gamma = random.doubles(channels, -2, 2).toArray();
    double[] beta = random.doubles(channels, -1, 1).toArray();
    double epsilon = 1e-5;
    BatchNorm eval =
        BatchNorm.eval(
            BatchNormParameters.of(mean, variance, epsilon).withGamma(gamma).withBeta(beta),
            kernel.kernels());

    int elements = (int) shape.elements();
    double[] doubles = random.doubles(elements, -3, 3).toArray();
    float[] floats = new float[elements];
    double[] expectedDoubles = new double[elements];
    float[] expectedFloats = new float[elements];
    long stride = shape.elements(channelAxis + 1, shape.rank());
    for (int i = 0; i < elements; i++) {
      int c = (int) (i / stride % channels);
      double scale = gamma[c] / Math.sqrt(variance[c] + epsilon);
      floats[i] = (float) doubles[i];
      expectedDoubles[i] = (doubles[i] - mean[c]) * scale + beta[c];
      expectedFloats[i] = (float) ((floats[i] - mean[c]) * scale + beta[c]);
    }
    double[] doubleOutput = new double[elements];
    eval.apply(doubles, doubleOutput, shape, layout);
    assertThat(doubleOutput).as("%s %s, seed %d", layout, shape, SEED).isEqualTo(expectedDoubles);
    float[] floatOutput = new float[elements];
    eval.apply(floats, floatOutput, shape, layout);
    assertThat(floatOutput).as("%s %s, seed %d", layout, shape, SEED).isEqualTo(expectedFloats);
  }
}
