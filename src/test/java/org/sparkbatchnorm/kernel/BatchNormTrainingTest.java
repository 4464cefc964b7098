package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Edges and refusals of training, and what does not depend on how a mini-batch is handed in. */
@ParameterizedClass
@EnumSource(Kernel.class)
class BatchNormTrainingTest {
  @Parameter private Kernel kernel;

  private static final long SEED = 611_953;
  private static final double INFINITY = Double.POSITIVE_INFINITY;
  private static final BigDecimal TWO_TO_MINUS_50 =
      BigDecimal.ONE.divide(BigDecimal.valueOf(1L << 50));

  private BatchNormTraining train(Convention convention) {
    return BatchNorm.train(convention, kernel.kernels());
  }

  private BatchNormTraining pytorch() {
    return train(Convention.PYTORCH);
  }

  private static RunningStatistics fresh(int channels) {
    double[] ones = new double[channels];
    Arrays.fill(ones, 1);
    return RunningStatistics.of(new double[channels], ones, 0);
  }

  /** Trains on rows of C values and returns both results. */
  private record Trained(RunningStatistics running, List<Double> output) {
    static Trained on(BatchNormTraining layer, Shape shape, double... values) {
      double[] output = values.clone();
      RunningStatistics running =
          layer.apply(
              values, output, shape, ChannelLayout.CHANNELS_FIRST, fresh((int) shape.dimension(1)));
      return new Trained(running, Arrays.stream(output).boxed().toList());
    }
  }

  @ParameterizedTest
  @EnumSource
  void oneValuePerChannelIsRefusedWhereTheFrameworkRefusesIt(Convention convention) {
    BatchNormTraining layer = train(convention).withMomentum(0.5);
    if (convention == Convention.PYTORCH) {
      assertThatThrownBy(() -> Trained.on(layer, Shape.of(1, 2), 3, 5))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "Expected more than 1 value per channel when training, got input size [1, 2]");
      boolean[] onlyOne = {false, true};
      assertThatThrownBy(
              () ->
                  layer.apply(
                      new double[4],
                      new double[4],
                      Shape.of(2, 2),
                      ChannelLayout.NC,
                      onlyOne,
                      fresh(2)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("Expected more than 1 value per channel when training, got 1");
    } else {
      Trained trained = Trained.on(layer, Shape.of(1, 2), 3, 5);
      assertThat(trained.output()).containsExactly(0.0, 0.0);
      assertThat(trained.running())
          .isEqualTo(RunningStatistics.of(new double[] {1.5, 2.5}, new double[] {0.5, 0.5}, 1));
    }
  }

  /** As the sums of PyTorch have it. */
  @Test
  void whatIsNotFinitePoisonsItsChannelOnly() {
    Trained trained =
        Trained.on(
            pytorch().withMomentum(0.5),
            Shape.of(2, 5),
            1,
            Double.NaN,
            INFINITY,
            -INFINITY,
            INFINITY,
            3,
            1,
            1,
            1,
            -INFINITY);
    assertThat(trained.running().mean())
        .containsExactly(1, Double.NaN, INFINITY, -INFINITY, Double.NaN);
    assertThat(trained.running().variance())
        .containsExactly(1.5, Double.NaN, Double.NaN, Double.NaN, Double.NaN);
    assertThat(trained.output().get(0)).isNegative();
    assertThat(trained.output().get(5)).isPositive();
    for (int i = 0; i < 10; i++) {
      if (i % 5 > 0) {
        assertThat(trained.output().get(i)).isNaN();
      }
    }
    // And stays: the old value has a weight.
    RunningStatistics later =
        pytorch()
            .apply(
                new double[10],
                new double[10],
                Shape.of(2, 5),
                ChannelLayout.NC,
                trained.running());
    assertThat(later.mean()).containsExactly(0.9, Double.NaN, INFINITY, -INFINITY, Double.NaN);
  }

  @Test
  void noRowsNoChannelsAndNoPositions() {
    Trained rows = Trained.on(pytorch(), Shape.of(0, 3, 4));
    assertThat(rows.running())
        .isEqualTo(RunningStatistics.of(new double[3], new double[] {1, 1, 1}, 1));
    assertThat(Trained.on(pytorch(), Shape.of(2, 3, 0)).running()).isEqualTo(rows.running());
    assertThat(Trained.on(pytorch(), Shape.of(2, 0)).running().miniBatches()).isEqualTo(1);
    RunningStatistics masked =
        pytorch()
            .apply(
                new float[0],
                new float[0],
                Shape.of(0, 3),
                ChannelLayout.NC,
                new boolean[0],
                fresh(3));
    assertThat(masked).isEqualTo(rows.running());
  }

  /** The words of torch.nn.functional.batch_norm. */
  @Test
  void refusesAnotherNumberOfChannels() {
    double[] input = {1, 2, 3, 4, 5, 6};
    double[] output = new double[6];
    Shape shape = Shape.of(2, 3);
    assertThatThrownBy(() -> pytorch().apply(input, output, shape, ChannelLayout.NC, fresh(4)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("running_mean should contain 3 elements not 4");
    assertThatThrownBy(
            () ->
                pytorch()
                    .withGamma(new double[2])
                    .apply(input, output, shape, ChannelLayout.NC, fresh(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weight should contain 3 elements not 2");
    assertThatThrownBy(
            () ->
                pytorch()
                    .withBeta(new double[1])
                    .apply(input, output, shape, ChannelLayout.NC, fresh(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("bias should contain 3 elements not 1");
    assertThat(output).containsOnly(0);
  }

  @Test
  void refusesArraysAndMasksOfAnotherLengthThanTheShape() {
    Shape shape = Shape.of(2, 3, 4);
    assertThatThrownBy(
            () -> pytorch().apply(new float[23], new float[24], shape, ChannelLayout.NCL, fresh(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("input has 23 elements, but shape [2, 3, 4] has 24");
    assertThatThrownBy(
            () ->
                pytorch().apply(new double[24], new double[25], shape, ChannelLayout.NCL, fresh(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("output has 25 elements, but shape [2, 3, 4] has 24");
    assertThatThrownBy(
            () ->
                pytorch()
                    .apply(
                        new float[24],
                        new float[24],
                        shape,
                        ChannelLayout.NCL,
                        new boolean[24],
                        fresh(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("mask has 24 positions, but shape [2, 3, 4] without its channel axis has 8");
  }

  @Test
  void aMaskThatLeavesNothingIsRefused() {
    float[] output = new float[24];
    assertThatThrownBy(
            () ->
                pytorch()
                    .apply(
                        new float[24],
                        output,
                        Shape.of(2, 3, 4),
                        ChannelLayout.NCL,
                        new boolean[8],
                        fresh(3)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the mask leaves no value to take statistics of");
    assertThat(output).containsOnly(0);
  }

  @Test
  void refusesSettingsThatMeanNothing() {
    for (double wrong : new double[] {-1e-9, INFINITY, Double.NaN}) {
      assertThatThrownBy(() -> pytorch().withEpsilon(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("epsilon is " + wrong + ", but must be finite and at least 0");
    }
    assertThatThrownBy(() -> pytorch().withMomentum(1.5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("momentum is 1.5, but must be between 0 and 1");
    assertThatThrownBy(() -> Trained.on(pytorch().withEpsilon(0), Shape.of(2, 1), 7, 7))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("scale of channel 0 exceeds a double: gamma 1.0, variance 0.0, epsilon 0.0");
  }

  @Test
  void aCountOfBatchesThatOverflowsIsRefused() {
    RunningStatistics last = RunningStatistics.of(new double[1], new double[] {1}, Long.MAX_VALUE);
    assertThatThrownBy(
            () ->
                pytorch()
                    .apply(new double[2], new double[2], Shape.of(2, 1), ChannelLayout.NC, last))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage("long overflow");
  }

  @Test
  void theLayerKeepsNothingOfAMiniBatch() {
    BatchNormTraining layer = pytorch().withGamma(new double[] {2}).withBeta(new double[] {1});
    Trained once = Trained.on(layer, Shape.of(3, 1), 1, 2, 6);
    Trained.on(layer, Shape.of(2, 1), 100, 200);
    assertThat(Trained.on(layer, Shape.of(3, 1), 1, 2, 6)).isEqualTo(once);
  }

  @Test
  void worksInPlace() {
    double[] values = {1, 2, 6, 7, 3, 3};
    double[] output = new double[6];
    float[] floats = {1, 2, 6, 7, 3, 3};
    Shape shape = Shape.of(3, 2);
    RunningStatistics running = pytorch().apply(values, output, shape, ChannelLayout.NC, fresh(2));
    assertThat(pytorch().apply(values, values, shape, ChannelLayout.NC, fresh(2)))
        .isEqualTo(running);
    assertThat(values).isEqualTo(output);
    assertThat(pytorch().apply(floats, floats, shape, ChannelLayout.NC, fresh(2)))
        .isEqualTo(running);
    for (int i = 0; i < 6; i++) {
      assertThat(floats[i]).isEqualTo((float) output[i]);
    }
  }

  /**
   * Both passes block by block, as over a file; larger than any block that an array is cut into.
   */
  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void blocksGiveWhatTheArrayGives(DType dtype) {
    Shape shape = Shape.of(7, 3, 4001);
    int n = (int) shape.elements();
    double[] values = new SplittableRandom(SEED).doubles(n, -3, 9).toArray();
    ByteBuffer bytes = ByteBuffer.allocate(n * dtype.bytes()).order(ByteOrder.BIG_ENDIAN);
    Elements.encode(dtype, values, n, bytes);
    Elements.decode(dtype, bytes.flip(), values, n);
    double[] expected = new double[n];
    RunningStatistics running =
        pytorch().apply(values, expected, shape, ChannelLayout.NCL, fresh(3));

    ChannelView view = new ChannelView(7, 3, 4001);
    MiniBatchAccumulator accumulator = MiniBatchAccumulator.forChannels(3);
    int block = 5003;
    for (int from = 0; from < n; from += block) {
      accumulator.add(block(dtype, bytes, view, from, Math.min(n, from + block)));
    }
    BatchNormTraining.Step step = pytorch().step(accumulator.snapshot(), fresh(3));
    assertThat(step.running()).isEqualTo(running);
    ByteBuffer output = ByteBuffer.allocate(n * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (int from = 0; from < n; from += block) {
      step.normalization()
          .apply(block(dtype, bytes, view, from, Math.min(n, from + block)), output);
    }
    double[] found = new double[n];
    Elements.decode(dtype, output.flip(), found, n);
    ByteBuffer rounded = ByteBuffer.allocate(n * dtype.bytes());
    Elements.encode(dtype, expected, n, rounded);
    Elements.decode(dtype, rounded.flip(), expected, n);
    assertThat(found).as("seed " + SEED).isEqualTo(expected);
  }

  private static TensorBlock block(
      DType dtype, ByteBuffer bytes, ChannelView view, int from, int to) {
    ByteBuffer part =
        bytes
            .duplicate()
            .order(bytes.order())
            .limit(to * dtype.bytes())
            .position(from * dtype.bytes());
    return new TensorBlock(dtype, part, view, from);
  }

  /**
   * A float output is within 1 ulp of exact arithmetic on the input: mean and variance are off by
   * at most an ulp of a double, which moves y by less than 2^-50 of the sum of its summands.
   */
  @ParameterizedTest
  @EnumSource(Scales.class)
  void aFloatIsWithinOneUlpOfExactArithmetic(Scales scales) {
    SplittableRandom random = new SplittableRandom(SEED);
    int n = 60;
    float[] x = new float[n];
    BigDecimal sum = BigDecimal.ZERO;
    for (int i = 0; i < n; i++) {
      x[i] = (float) scales.draw(random)[0];
      sum = sum.add(new BigDecimal(x[i]));
    }
    BigDecimal count = BigDecimal.valueOf(n);
    BigDecimal deviations = BigDecimal.ZERO;
    for (float value : x) {
      // n x - S, so that nothing is rounded.
      BigDecimal deviation = new BigDecimal(value).multiply(count).subtract(sum);
      deviations = deviations.add(deviation.multiply(deviation));
    }
    BigDecimal variance = deviations.divide(count.pow(3), ExactEvaluation.DIGITS);
    BigDecimal deviation =
        variance.add(new BigDecimal(scales.epsilon())).sqrt(ExactEvaluation.DIGITS);
    float[] output = new float[n];
    pytorch()
        .withEpsilon(scales.epsilon())
        .apply(x, output, Shape.of(n, 1), ChannelLayout.NC, fresh(1));
    for (int i = 0; i < n; i++) {
      BigDecimal y =
          new BigDecimal(x[i])
              .multiply(count)
              .subtract(sum)
              .divide(count.multiply(deviation), ExactEvaluation.DIGITS);
      BigDecimal summands =
          new BigDecimal(x[i])
              .abs()
              .add(sum.abs().divide(count, ExactEvaluation.DIGITS))
              .divide(deviation, ExactEvaluation.DIGITS);
      BigDecimal bound =
          ExactEvaluation.ulp(y, 23, -126)
              .multiply(new BigDecimal("0.5"))
              .add(summands.multiply(TWO_TO_MINUS_50));
      assertThat(new BigDecimal(output[i]).subtract(y).abs())
          .as("%s, seed %d, element %d, exact %s", scales, SEED, i, y.doubleValue())
          .isLessThanOrEqualTo(bound);
    }
  }
}
