package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.Shape;

/** Worked numbers, edges and refusals. Decimal expectations are quoted to the digits printed. */
@ParameterizedClass
@EnumSource(Kernel.class)
class BatchNormTest {
  @Parameter private Kernel kernel;

  private static final double INFINITY = Double.POSITIVE_INFINITY;

  private BatchNorm plain(double mean, double variance, double epsilon) {
    return eval(parameters(mean, variance, epsilon));
  }

  private BatchNorm eval(BatchNormParameters parameters) {
    return BatchNorm.eval(parameters, kernel.kernels());
  }

  private static BatchNormParameters parameters(double mean, double variance, double epsilon) {
    return BatchNormParameters.of(new double[] {mean}, new double[] {variance}, epsilon);
  }

  private static float[] floats(BatchNorm eval, float... input) {
    float[] output = new float[input.length];
    eval.apply(input, output, Shape.of(input.length, 1), ChannelLayout.NC);
    return output;
  }

  private static double[] doubles(BatchNorm eval, double... input) {
    double[] output = new double[input.length];
    eval.apply(input, output, Shape.of(input.length, 1), ChannelLayout.NC);
    return output;
  }

  /**
   * Acceptance 2 and 4 (PyTorch 1.13.1 CPU, a fresh layer and one after a training step on ones), 3
   * (exact arithmetic, Keras' epsilon), 19 (PyTorch 1.13.1 CPU). The float column is the float
   * nearest to the double one. In 4 the statistics are PyTorch's: floats.
   */
  @ParameterizedTest
  @CsvSource({
    "1,   0,          1,            1e-5, 1,  0, 0.9999950000374997, 0.9999949932",
    "1,   0.1,        0.9,          1e-5, 1,  0, 0.948678027631667,  0.9486780167",
    "1,   0.01,       0.99,         1e-3, 1,  0, 0.9944852985749643, 0.9944852985",
    "1,   0,          1,            1e-3, 1,  0, 0.9995003746877732, 0.9995003939",
    "2.5, 1.5,        0.25,         1e-5, 2, -1, 2.9999200024,       2.99991989"
  })
  void workedNumbers(
      double x,
      double mean,
      double variance,
      double epsilon,
      double gamma,
      double beta,
      double expected,
      float expectedFloat) {
    BatchNorm eval =
        eval(
            parameters(mean, variance, epsilon)
                .withGamma(new double[] {gamma})
                .withBeta(new double[] {beta}));
    // The last digit that the quoted numbers have in common is the tenth.
    assertThat(doubles(eval, x)[0]).isEqualTo(expected, offset(1e-10));
    assertThat(floats(eval, (float) x)[0]).isEqualTo(expectedFloat);
  }

  /** Acceptance 20; exact: sqrt(10^5) = 316.22776601683793319... */
  @Test
  void zeroVarianceLeavesEpsilonAlone() {
    assertThat(doubles(plain(0, 0, 1e-5), 1)[0]).isEqualTo(316.2277660168379);
    assertThat(floats(plain(0, 0, 1e-5), 1)[0]).isEqualTo((float) 316.2277660);
  }

  /** Acceptance 21, measured on PyTorch 1.13.1 CPU, which folds: [-0.0242920, 0.9068238]. */
  @Test
  void subtractsFirstSoThatALargeMeanCostsNoDigits() {
    float[] output = floats(plain(1e4, 1e-4, 1e-5), 1e4f, 10000.01f);
    // Exact on the float nearest 10000.01: 0.009765625 / sqrt(1.1e-4) = 0.93111581...
    assertThat(output).containsExactly(0f, .9311158f);
  }

  /** Acceptance 22: the same data in both layouts gives the same outputs. */
  @Test
  void channelsFirstAndChannelsLastAgree() {
    BatchNorm eval =
        eval(
            BatchNormParameters.of(new double[] {1, -2, 1e4}, new double[] {.5, 3, 1e-4}, 1e-5)
                .withGamma(new double[] {1.5, -1, .1}));
    int n = 2;
    int c = 3;
    int h = 4;
    int w = 5;
    float[] nchw = new float[n * c * h * w];
    float[] nhwc = new float[nchw.length];
    float[] outFirst = new float[nchw.length];
    float[] outLast = new float[nchw.length];
    for (int i = 0; i < nchw.length; i++) {
      nchw[i] = (float) Math.sin(i) * 10;
      nhwc[channelsLast(i, c, h * w)] = nchw[i];
    }
    eval.apply(nchw, outFirst, Shape.of(n, c, h, w), ChannelLayout.NCHW);
    eval.apply(nhwc, outLast, Shape.of(n, h, w, c), ChannelLayout.NHWC);
    for (int i = 0; i < nchw.length; i++) {
      assertThat(outLast[channelsLast(i, c, h * w)]).isEqualTo(outFirst[i]);
    }
  }

  /** Where element i of an [n, channels, inner] array stands in its [n, inner, channels] form. */
  private static int channelsLast(int i, int channels, int inner) {
    int image = i / (channels * inner);
    int channel = i / inner % channels;
    return (image * inner + i % inner) * channels + channel;
  }

  @Test
  void gammaIsOneAndBetaZeroWhereAbsent() {
    BatchNormParameters parameters = parameters(.3, .7, 1e-5);
    double[] x = {-1, .3, 2};
    double[] expected = doubles(eval(parameters), x);
    assertThat(doubles(eval(parameters.withGamma(new double[] {1})), x)).isEqualTo(expected);
    assertThat(doubles(eval(parameters.withBeta(new double[] {0})), x)).isEqualTo(expected);
  }

  @Test
  void nonFiniteInputsPropagateAsIeeeHasIt() {
    BatchNorm eval = plain(1, 1, 0);
    double[] input = {Double.NaN, INFINITY, -INFINITY, 1};
    assertThat(doubles(eval, input)).containsExactly(Double.NaN, INFINITY, -INFINITY, 0);
    assertThat(floats(eval, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 1))
        .containsExactly(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0);
    BatchNorm negated = eval(parameters(1, 1, 0).withGamma(new double[] {-1}));
    assertThat(doubles(negated, INFINITY, -INFINITY)).containsExactly(-INFINITY, INFINITY);
    BatchNorm zero = eval(parameters(1, 1, 0).withGamma(new double[] {0}));
    assertThat(doubles(zero, input)).containsExactly(Double.NaN, Double.NaN, Double.NaN, 0);
  }

  @Test
  void nonFiniteParametersPropagateInTheirOwnChannelOnly() {
    double[] ones = {1, 1, 1, 1, 1};
    BatchNorm eval =
        eval(
            BatchNormParameters.of(
                    new double[] {0, Double.NaN, 0, 0, 0}, new double[] {1, 1, INFINITY, 1, 1}, 0)
                .withGamma(new double[] {1, 1, 1, INFINITY, 1})
                .withBeta(new double[] {0, 0, 7, 0, Double.NaN}));
    double[] output = new double[5];
    eval.apply(ones, output, Shape.of(1, 5), ChannelLayout.NC);
    assertThat(output).containsExactly(1, Double.NaN, 7, INFINITY, Double.NaN);
  }

  @Test
  void floatsDoNotOverflowOnTheWay() {
    // x - mean is 2^129 - 2^105, above every float; times 2^-20 it is a float again.
    BatchNorm eval = eval(parameters(-Float.MAX_VALUE, 1, 0).withGamma(new double[] {0x1p-20}));
    assertThat(floats(eval, Float.MAX_VALUE)).containsExactly(0x1.fffffep108f);
    // The largest scale that floats can make times the largest difference.
    BatchNorm largest =
        eval(
            parameters(-Float.MAX_VALUE, Float.MIN_VALUE, 0)
                .withGamma(new double[] {Float.MAX_VALUE}));
    assertThat(floats(largest, Float.MAX_VALUE)).containsExactly(Float.POSITIVE_INFINITY);
    assertThat(doubles(largest, Float.MAX_VALUE)[0]).isFinite();
  }

  @Test
  void worksInPlace() {
    BatchNorm eval = plain(1, 4, 0);
    float[] floats = {1, 3, -3};
    eval.apply(floats, floats, Shape.of(3, 1), ChannelLayout.NC);
    assertThat(floats).containsExactly(0, 1, -2);
    double[] doubles = {1, 3, -3};
    eval.apply(doubles, doubles, Shape.of(1, 1, 3), ChannelLayout.NCL);
    assertThat(doubles).containsExactly(0, 1, -2);
  }

  @Test
  void emptyArraysAndLayersWithoutChannelsAreFine() {
    BatchNorm none = eval(BatchNormParameters.of(new double[0], new double[0], 0));
    none.apply(new float[0], new float[0], Shape.of(4, 0), ChannelLayout.NC);
    none.apply(new double[0], new double[0], Shape.of(4, 0, 2, 2), ChannelLayout.NCHW);
    BatchNorm one = plain(0, 1, 0);
    one.apply(new float[0], new float[0], Shape.of(0, 1), ChannelLayout.NC);
    one.apply(new double[0], new double[0], Shape.of(2, 1, 0), ChannelLayout.NCL);
  }

  /** The words of torch.nn.functional.batch_norm: what the input has, then what the layer has. */
  @Test
  void refusesAnotherNumberOfChannels() {
    double[] four = {1, 1, 1, 1};
    BatchNorm eval = eval(BatchNormParameters.of(four, four, 1e-5));
    assertThatThrownBy(
            () -> eval.apply(new float[12], new float[12], Shape.of(4, 3), ChannelLayout.NC))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("running_mean should contain 3 elements not 4");
    assertThatThrownBy(
            () -> eval.apply(new double[12], new double[12], Shape.of(1, 4, 3), ChannelLayout.NLC))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("running_mean should contain 3 elements not 4");
  }

  @Test
  void refusesArraysOfAnotherLengthThanTheShape() {
    BatchNorm eval = plain(0, 1, 0);
    Shape six = Shape.of(6, 1);
    assertThatThrownBy(() -> eval.apply(new float[5], new float[6], six, ChannelLayout.NC))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("input has 5 elements, but shape [6, 1] has 6");
    assertThatThrownBy(() -> eval.apply(new double[6], new double[7], six, ChannelLayout.NC))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("output has 7 elements, but shape [6, 1] has 6");
  }

  @Test
  void refusesAScaleBeyondDouble() {
    BatchNormParameters parameters =
        BatchNormParameters.of(new double[2], new double[2], 1e-5)
            .withGamma(new double[] {1, -1e308});
    assertThatThrownBy(() -> eval(parameters))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "scale of channel 1 exceeds a double: gamma -1.0E308, variance 0.0, epsilon"
                + " 1.0E-5");
  }

  @Test
  void isSafeToShareBetweenThreads() {
    BatchNorm eval = plain(1, 4, 0);
    double[] expected = doubles(eval, 1, 2, 3);
    boolean same =
        IntStream.range(0, 1000)
            .parallel()
            .allMatch(i -> Arrays.equals(doubles(eval, 1, 2, 3), expected));
    assertThat(same).isTrue();
  }
}
