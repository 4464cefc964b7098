package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.Shape;

/**
 * The worked numbers of training that PyTorch 1.13.1 CPU, TensorFlow and exact arithmetic gave, and
 * evaluation after it. Running statistics are doubles here; where PyTorch's are floats, both are
 * quoted.
 */
@ParameterizedClass
@EnumSource(Kernel.class)
class TrainingNumbersTest {
  @Parameter private Kernel kernel;

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

  private static RunningStatistics after(
      BatchNormTraining layer, RunningStatistics running, Shape shape, double... values) {
    return layer.apply(
        values, new double[values.length], shape, ChannelLayout.CHANNELS_FIRST, running);
  }

  /** One channel. */
  private static RunningStatistics after(
      BatchNormTraining layer, RunningStatistics running, double... values) {
    return after(layer, running, Shape.of(values.length, 1), values);
  }

  /** 1 to 4: why PyTorch gives 0 in training, 0.99999 in evaluation, and Keras 0.9995. */
  @Test
  void onesThroughAFreshLayer() {
    Shape shape = Shape.of(20, 100, 35, 45);
    float[] ones = new float[(int) shape.elements()];
    Arrays.fill(ones, 1);
    float[] output = new float[ones.length];
    Arrays.fill(output, Float.NaN);
    RunningStatistics running =
        pytorch().apply(ones, output, shape, ChannelLayout.NCHW, fresh(100));
    assertThat(output).containsOnly(0f);
    assertThat(running.mean()).containsOnly(0.1);
    assertThat(running.variance()).containsOnly(0.9);
    assertThat((float) running.variance()[0]).isEqualTo((float) 0.8999999762);
    assertThat(running.miniBatches()).isEqualTo(1);

    assertThat(evalOfOne(fresh(1), 1e-5)).isEqualTo(0.9999950000374997);
    assertThat(evalOfOne(fresh(1), 1e-3)).isEqualTo(0.9995003746877732);
    // 4: in double all along, and with running statistics that are floats, as PyTorch's.
    assertThat(
            evalOfOne(
                RunningStatistics.of(firstOf(running.mean()), firstOf(running.variance()), 1),
                1e-5))
        .isEqualTo(0.948678027631667, offset(1e-15));
    RunningStatistics floats = RunningStatistics.of(new double[] {0.1f}, new double[] {0.9f}, 1);
    assertThat((float) evalOfOne(floats, 1e-5)).isEqualTo((float) 0.9486780167);
    RunningStatistics keras = after(train(Convention.KERAS), fresh(1), 1, 1, 1);
    assertThat(keras.mean()[0]).isEqualTo(0.01, offset(1e-17));
    assertThat(keras.variance()).containsExactly(0.99);
    assertThat(evalOfOne(keras, 1e-3)).isEqualTo(0.9944852985749643, offset(1e-15));
  }

  private static double[] firstOf(double[] values) {
    return Arrays.copyOf(values, 1);
  }

  private double evalOfOne(RunningStatistics running, double epsilon) {
    double[] output = {1};
    BatchNorm.eval(
            BatchNormParameters.of(running.mean(), running.variance(), epsilon), kernel.kernels())
        .apply(output, output, Shape.of(1, 1), ChannelLayout.NC);
    return output[0];
  }

  /** 5: the identity behind the sums that were measured, 5819.78, 5773.14 and 5787.73. */
  @Test
  void sumsOfAUniformBatchBeforeAndAfterAnUpdate() {
    long seed = 20_231;
    Shape shape = Shape.of(4, 3, 32, 32);
    double[] x = new SplittableRandom(seed).doubles(shape.elements()).toArray();
    double[] output = new double[x.length];
    RunningStatistics running = pytorch().apply(x, output, shape, ChannelLayout.NCHW, fresh(3));
    // The sum of 12,288 normalized values, each off by some 1e-16.
    assertThat(Math.abs(Arrays.stream(output).sum())).as("seed " + seed).isLessThan(1e-9);
    double[] batchMeans = new double[3];
    for (int i = 0; i < x.length; i++) {
      batchMeans[i / 1024 % 3] += x[i] / 4096;
    }
    BatchNorm.eval(
            BatchNormParameters.of(running.mean(), running.variance(), 1e-5), kernel.kernels())
        .apply(x, output, shape, ChannelLayout.NCHW);
    double expected = 0;
    for (int c = 0; c < 3; c++) {
      assertThat(running.mean()[c]).as("seed " + seed).isEqualTo(0.05, offset(0.002));
      assertThat(running.variance()[c]).as("seed " + seed).isEqualTo(0.9083, offset(0.001));
      expected += 4096 * 0.9 * batchMeans[c] / Math.sqrt(running.variance()[c] + 1e-5);
    }
    // 5801.88 in expectation, with a standard deviation of 33.6.
    assertThat(expected).as("seed " + seed).isEqualTo(5801.88, offset(4 * 33.6));
    assertThat(Arrays.stream(output).sum()).as("seed " + seed).isEqualTo(expected, offset(1e-8));
  }

  /**
   * 7: [1, 2, 3, 4]; PyTorch's own, that of biased frameworks at the same weight of the new value,
   * and with no weight of the old one Keras 3 and fused tf.keras.
   */
  @ParameterizedTest
  @CsvSource({
    "PYTORCH,     0.1, 0.25, 1.0666666666666667",
    "FLAX,        0.9, 0.25, 1.025",
    "ONNX,        0.9, 0.25, 1.025",
    "KERAS,       0,   2.5,  1.25",
    "KERAS_FUSED, 0,   2.5,  1.6666666666666667"
  })
  void runningVarianceAfterOneUpdate(
      Convention convention, double momentum, double mean, double variance) {
    RunningStatistics running =
        after(train(convention).withMomentum(momentum), fresh(1), 1, 2, 3, 4);
    assertThat(running.mean()[0]).isEqualTo(mean, offset(1e-16));
    assertThat(running.variance()[0]).isEqualTo(variance, offset(3e-16));
  }

  /** 8. The unbiased variances are exact; thirds are rounded. */
  @Test
  void momentumOneKeepsNothing() {
    RunningStatistics running =
        after(
            pytorch().withMomentum(1),
            fresh(4),
            Shape.of(3, 4),
            2,
            15,
            2,
            1,
            2,
            17,
            2,
            1,
            -4,
            -2,
            -2,
            -1);
    assertThat(running.mean()).containsExactly(0, 10, 2 / 3.0, 1 / 3.0);
    assertThat(running.variance()).containsExactly(12, 109, 16 / 3.0, 4 / 3.0);
  }

  /** 9. */
  @ParameterizedTest
  @CsvSource({"PYTORCH, 0.1, 2.2", "FLAX, 0.9, 2.0916666666666667"})
  void aRangeOfFourAxes(Convention convention, double momentum, double variance) {
    double[] range = new double[12];
    Arrays.setAll(range, i -> i);
    RunningStatistics running =
        after(train(convention).withMomentum(momentum), fresh(1), Shape.of(2, 1, 2, 3), range);
    assertThat(running.mean()[0]).isEqualTo(.55, offset(1e-15));
    assertThat(running.variance()[0]).isEqualTo(variance, offset(1e-15));
  }

  /** 10, from PyTorch's tests. */
  @Test
  void tenUpdatesOfTheSame() {
    RunningStatistics running = fresh(1);
    for (int i = 0; i < 10; i++) {
      running = after(pytorch(), running, 3, 7);
    }
    assertThat(running.mean()[0]).isEqualTo(3.2566078, offset(5e-8));
    assertThat(running.variance()[0]).isEqualTo(5.5592509, offset(5e-8));
    // Exact: mean 5 (1 - 0.9^10), variance 8 - 7 * 0.9^10.
    double kept = Math.pow(0.9, 10);
    assertThat(running.mean()[0]).isEqualTo(5 * (1 - kept), offset(5e-15));
    assertThat(running.variance()[0]).isEqualTo(8 - 7 * kept, offset(5e-15));
    assertThat(running.miniBatches()).isEqualTo(10);
  }

  /** 10. */
  @Test
  void batchesOfUnequalSizesWeighTheSame() {
    RunningStatistics first = after(pytorch(), fresh(1), 1, 2);
    assertThat(first.mean()[0]).isEqualTo(.15, offset(1e-16));
    assertThat(first.variance()[0]).isEqualTo(.95, offset(2e-16));
    RunningStatistics second = after(pytorch(), first, 3, 4, 5);
    assertThat(second.mean()[0]).isEqualTo(.535, offset(2e-16));
    assertThat(second.variance()[0]).isEqualTo(.955, offset(2e-16));
  }

  /**
   * 11 and 12: the cumulative average gives what PyTorch's update_bn leaves, which weighs the batch
   * of two as much as that of four.
   */
  @Test
  void theCumulativeAverageIsThatOfUpdateBn() {
    BatchNormTraining cumulative = pytorch().withCumulativeAverage();
    RunningStatistics two = after(cumulative, after(cumulative, fresh(1), 1, 2, 3, 4), 10, 12);
    assertThat(two.mean()).containsExactly(6.75);
    assertThat(two.variance()[0]).isEqualTo(11 / 6.0, offset(3e-16));
    RunningStatistics three = fresh(1);
    for (double[] batch : new double[][] {{1, 2}, {3, 4}, {10, 12}}) {
      three = after(cumulative, three, batch);
    }
    assertThat(three.mean()[0]).isEqualTo(16 / 3.0, offset(1e-15));
    assertThat(three.variance()[0]).isEqualTo(1, offset(3e-16));
    assertThat(three.miniBatches()).isEqualTo(3);
  }

  /** 16: PyTorch counts the empty batch, so that its average is not that of the others, 7. */
  @Test
  void anEmptyBatchCountsAndChangesNothingElse() {
    BatchNormTraining cumulative = pytorch().withCumulativeAverage();
    RunningStatistics first = after(cumulative, fresh(1), 1, 3);
    RunningStatistics afterEmpty = after(cumulative, first);
    assertThat(afterEmpty).isEqualTo(RunningStatistics.of(first.mean(), first.variance(), 2));
    RunningStatistics last = after(cumulative, afterEmpty, 11, 13);
    assertThat(last.mean()[0]).isEqualTo(16 / 3.0, offset(1e-15));
    assertThat(last.variance()[0]).isEqualTo(2, offset(3e-16));
    assertThat(last.miniBatches()).isEqualTo(3);
  }

  /** 17: a Keras mask; 3 and 4 in a row would change both. */
  @Test
  void maskedPositionsDoNotCount() {
    int rows = 10;
    double[] x = new double[rows * 8];
    boolean[] mask = new boolean[rows * 4];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(new double[] {1, 5, 2, 5, 70, -3, 80, 9}, 0, x, 8 * row, 8);
      mask[4 * row] = true;
      mask[4 * row + 1] = true;
    }
    double[] output = new double[x.length];
    RunningStatistics running =
        train(Convention.KERAS)
            .withMomentum(0)
            .apply(x, output, Shape.of(rows, 4, 2), ChannelLayout.NLC, mask, fresh(2));
    assertThat(running.mean()).containsExactly(1.5, 5);
    assertThat(running.variance()).containsExactly(.25, 0);
    // Masked positions are normalized too.
    assertThat(output[4]).isEqualTo((70 - 1.5) / Math.sqrt(.25 + 1e-3), offset(1e-13));
    assertThat(output[5]).isEqualTo((-3 - 5) / Math.sqrt(1e-3), offset(1e-13));
  }

  /** 22. */
  @Test
  void bothLayoutsGiveTheSameStatisticsAndOutputs() {
    long seed = 22;
    int n = 3;
    int c = 5;
    int positions = 7 * 9;
    float[] first = new float[n * c * positions];
    float[] last = new float[first.length];
    SplittableRandom random = new SplittableRandom(seed);
    int[] moved = new int[first.length];
    for (int i = 0; i < first.length; i++) {
      moved[i] = (i / (c * positions) * positions + i % positions) * c + i / positions % c;
      first[i] = (float) (1e4 * (1 + i / positions % c) + random.nextDouble());
      last[moved[i]] = first[i];
    }
    float[] outFirst = new float[first.length];
    float[] outLast = new float[first.length];
    RunningStatistics ofFirst =
        pytorch().apply(first, outFirst, Shape.of(n, c, 7, 9), ChannelLayout.NCHW, fresh(c));
    RunningStatistics ofLast =
        pytorch().apply(last, outLast, Shape.of(n, 7, 9, c), ChannelLayout.NHWC, fresh(c));
    assertThat(ofLast).isEqualTo(ofFirst);
    for (int i = 0; i < first.length; i++) {
      assertThat(outLast[moved[i]]).as("seed " + seed).isEqualTo(outFirst[i]);
    }
  }
}
