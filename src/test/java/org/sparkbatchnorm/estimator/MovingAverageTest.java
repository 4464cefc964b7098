package org.sparkbatchnorm.estimator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches.DROP;
import static org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches.REFUSE;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches;
import org.sparkbatchnorm.estimator.Estimator.Options;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.tensor.DType;

/** Worked numbers of the frameworks' running statistics, and what has none. */
class MovingAverageTest {
  private static final double NAN = Double.NaN;

  /** The numbers below are given with this many digits. */
  private static final Offset<Double> DIGITS = Offset.offset(5e-8);

  private static Estimator estimator(Convention convention, double momentum) {
    return estimator(convention, momentum, REFUSE);
  }

  private static Estimator estimator(
      Convention convention, double momentum, IncompleteMiniBatches incomplete) {
    return Estimator.movingAverage(
        new Options(incomplete, convention, OptionalDouble.of(momentum)));
  }

  private static Estimator cumulative(Convention convention) {
    return Estimator.movingAverage(new Options(REFUSE, convention, OptionalDouble.empty()));
  }

  private static RunningStatistics estimate(
      Estimator estimator, NonFinitePolicy policy, int channels, double[]... batches) {
    LayerMoments layer = Layers.layer(List.of(estimator), channels, Layers.batches(batches));
    return estimator.estimate(layer, policy, DType.F64);
  }

  private static RunningStatistics estimate(
      Estimator estimator, int channels, double[]... batches) {
    return estimate(estimator, NonFinitePolicy.FAIL, channels, batches);
  }

  private static double[] values(double... values) {
    return values;
  }

  private static void assertStatistics(RunningStatistics found, double mean, double variance) {
    assertThat(found.mean()).hasSize(1);
    assertThat(found.mean()[0]).as("mean").isEqualTo(mean, DIGITS);
    assertThat(found.variance()[0]).as("variance").isEqualTo(variance, DIGITS);
  }

  /**
   * Acceptance 7: PyTorch 1.13.1 leaves 0.25 and 1.0666667 of [1,2,3,4]; frameworks that feed the
   * biased variance, at the same weight of the new value, 1.025.
   */
  @Test
  void oneUpdate() {
    double[] four = values(1, 2, 3, 4);
    assertStatistics(estimate(estimator(Convention.PYTORCH, 0.1), 1, four), 0.25, 1.0666667);
    assertStatistics(estimate(estimator(Convention.KERAS, 0.9), 1, four), 0.25, 1.025);
    assertStatistics(estimate(estimator(Convention.FLAX, 0.9), 1, four), 0.25, 1.025);
    assertStatistics(estimate(estimator(Convention.ONNX, 0.9), 1, four), 0.25, 1.025);
    assertStatistics(estimate(estimator(Convention.KERAS_FUSED, 0.9), 1, four), 0.25, 1.0666667);
    assertStatistics(estimate(estimator(Convention.KERAS, 0), 1, four), 2.5, 1.25);
    assertStatistics(estimate(estimator(Convention.KERAS_FUSED, 0), 1, four), 2.5, 5 / 3.0);
  }

  /** Acceptance 8, PyTorch 1.13.1: momentum 1 keeps nothing. */
  @Test
  void ofTheLastMiniBatchAlone() {
    RunningStatistics found =
        estimate(
            estimator(Convention.PYTORCH, 1), 4, values(2, 15, 2, 1, 2, 17, 2, 1, -4, -2, -2, -1));
    assertThat(found.mean()).containsExactly(0, 10, 2 / 3.0, 1 / 3.0);
    assertThat(found.variance()).containsExactly(12, 109, 16 / 3.0, 4 / 3.0);
  }

  /** Acceptance 9: arange(12) as (2,1,2,3). */
  @Test
  void arange() {
    double[] twelve = new double[12];
    Arrays.setAll(twelve, i -> i);
    assertStatistics(estimate(estimator(Convention.PYTORCH, 0.1), 1, twelve), 0.55, 2.2);
    assertStatistics(estimate(estimator(Convention.KERAS, 0.9), 1, twelve), 0.55, 2.0916667);
  }

  /** Acceptance 10. */
  @Test
  void severalUpdates() {
    double[][] ten = new double[10][];
    Arrays.fill(ten, values(3, 7));
    assertStatistics(estimate(estimator(Convention.PYTORCH, 0.1), 1, ten), 3.2566078, 5.5592509);
    Estimator torch = estimator(Convention.PYTORCH, 0.1);
    assertStatistics(estimate(torch, 1, values(1, 2)), 0.15, 0.95);
    assertStatistics(estimate(torch, 1, values(1, 2), values(3, 4, 5)), 0.535, 0.955);
  }

  /** Acceptance 1: ones leave a mean of 0.1 and a variance of 0.9, or 0.8999999762 in float32. */
  @Test
  void isRoundedOnceToTheTypeAskedFor() {
    Estimator estimator = estimator(Convention.PYTORCH, 0.1);
    LayerMoments ones =
        Layers.layer(List.of(estimator), 1, Layers.batches(values(1, 1, 1, 1, 1, 1)));
    RunningStatistics f64 = estimator.estimate(ones, NonFinitePolicy.FAIL, DType.F64);
    assertThat(f64.mean()).containsExactly(0.1);
    assertThat(f64.variance()).containsExactly(0.9);
    assertThat(f64.miniBatches()).isEqualTo(1);
    RunningStatistics f32 = estimator.estimate(ones, NonFinitePolicy.FAIL, DType.F32);
    assertThat(f32.mean()).containsExactly(0.1f);
    assertThat(f32.variance()).containsExactly(0.9f);
  }

  /** PyTorch's momentum None: the k-th mini-batch has weight 1 / k. */
  @ParameterizedTest
  @EnumSource
  void aCumulativeAverageIsThePlainOne(Convention convention) {
    double[][] batches = {values(1, 2), values(3, 4, 5), values(10, 12, 11, 9)};
    RunningStatistics found = estimate(cumulative(convention), 1, batches);
    double mean = 0;
    double variance = 1;
    double[] means = {1.5, 4, 10.5};
    double[] biased = {0.25, 2 / 3.0, 1.25};
    double[] unbiased = {0.5, 1, 5 / 3.0};
    boolean feedsBiased = convention.runningVariance() == Convention.VarianceKind.BIASED;
    for (int k = 1; k <= 3; k++) {
      double fed = feedsBiased ? biased[k - 1] : unbiased[k - 1];
      mean += (means[k - 1] - mean) / k;
      variance += (fed - variance) / k;
    }
    assertThat(found.mean()[0]).isEqualTo(mean, Offset.offset(1e-14));
    assertThat(found.variance()[0]).isEqualTo(variance, Offset.offset(1e-14));
  }

  @Test
  void ofTheUnbiasedVariancesItIsPaper() {
    double[][] batches = {values(1, 2), values(3, 4), values(10, 12)};
    assertThat(estimate(cumulative(Convention.PYTORCH), 1, batches))
        .isEqualTo(estimate(Estimator.paper(REFUSE), 1, batches));
  }

  @Test
  void theOrderOfMiniBatchesMatters() {
    List<double[]> batches = new ArrayList<>(List.of(values(1, 2), values(3, 4), values(10, 12)));
    Estimator estimator = estimator(Convention.PYTORCH, 0.5);
    RunningStatistics forwards = estimate(estimator, 1, batches.toArray(double[][]::new));
    Collections.reverse(batches);
    RunningStatistics backwards = estimate(estimator, 1, batches.toArray(double[][]::new));
    // 0/8 + 1.5/8 + 3.5/4 + 11/2 and 0/8 + 11/8 + 3.5/4 + 1.5/2.
    assertThat(forwards.mean()).containsExactly(6.5625);
    assertThat(backwards.mean()).containsExactly(3);
  }

  /** Exact by hand: 0.5 * 4 + 0.5 * 1.5 and 0.5 * 0.25 + 0.5 * 0.5. */
  @Test
  void mayStartFromAModel() {
    Estimator estimator =
        estimator(Convention.PYTORCH, 0.5)
            .startingFrom(
                Map.of("bn", RunningStatistics.of(new double[] {4}, new double[] {0.25}, 7)));
    RunningStatistics found = estimate(estimator, 1, values(1, 2));
    assertThat(found.mean()).containsExactly(2.75);
    assertThat(found.variance()).containsExactly(0.375);
    assertThat(found.miniBatches()).isEqualTo(8);
    assertThat(estimate(estimator, 1).mean()).containsExactly(4);
    Estimator other = estimator.startingFrom(Map.of());
    assertThatThrownBy(() -> estimate(other, 1, values(1, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("layer bn has nothing to start from");
    assertThatThrownBy(() -> estimate(estimator, 2, values(1, 2, 3, 4)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("layer bn has 2 channels, but 1 to start from");
    assertThat(Estimator.pooledBiased().startingFrom(Map.of())).isEqualTo(Estimator.pooledBiased());
  }

  @Test
  void withoutMiniBatchesItIsWhereItStarted() {
    RunningStatistics found = estimate(estimator(Convention.KERAS, 0.99), 2);
    assertThat(found.mean()).containsExactly(0, 0);
    assertThat(found.variance()).containsExactly(1, 1);
  }

  /** Acceptance 16, as it is for paper. */
  @ParameterizedTest
  @CsvSource({"PYTORCH, 0.5", "KERAS, 0.5"})
  void anEmptyMiniBatchLeavesItAlone(Convention convention, double momentum) {
    Estimator estimator = estimator(convention, momentum);
    RunningStatistics found =
        estimate(estimator, 1, values(1, 3), values(), values(11, 13), values());
    assertThat(found).isEqualTo(estimate(estimator, 1, values(1, 3), values(11, 13)));
    assertThat(found.mean()).containsExactly(6.5);
    assertThat(found.miniBatches()).isEqualTo(2);
  }

  /** Biased, one value is a mini-batch of variance 0; unbiased, it is none. */
  @Test
  void aMiniBatchOfOneValue() {
    double[][] batches = {values(1, 3), values(8)};
    RunningStatistics keras = estimate(estimator(Convention.KERAS, 0.5), 1, batches);
    assertThat(keras.mean()).containsExactly(4.5);
    assertThat(keras.variance()).containsExactly(0.5);
    Estimator torch = estimator(Convention.PYTORCH, 0.5);
    assertThatThrownBy(() -> estimate(torch, 1, batches))
        .isInstanceOf(TooFewValuesException.class)
        .hasMessage(
            "layer bn, mini-batch b1 has one value in channel 0, but moving-average needs at least"
                + " 2 per channel (--drop-incomplete leaves such mini-batches out)");
    Estimator dropping = estimator(Convention.PYTORCH, 0.5, DROP);
    assertThat(estimate(dropping, 1, batches).mean())
        .isEqualTo(estimate(dropping, 1, values(1, 3)).mean());
    Estimator plain =
        Estimator.movingAverage(new Options(DROP, Convention.KERAS, OptionalDouble.empty()));
    assertThatThrownBy(() -> estimate(plain, NonFinitePolicy.SKIP, 1, values(NAN)))
        .isInstanceOf(TooFewValuesException.class)
        .hasMessage(
            "layer bn, channel 0 has no mini-batch with at least 1 value, but moving-average needs"
                + " one");
  }

  /** The weights of the others would have to be other ones in that channel. */
  @Test
  void aMiniBatchThatIsMissingInOneChannelIsRefused() {
    double[][] batches = {values(1, 2, 3, 4), values(5, NAN, 6, NAN), values(7, 8, 9, 10)};
    String advice =
        " in channel 1, and moving-average can leave it out of all channels only; take it out of"
            + " the input, or set --momentum none";
    Estimator keras = estimator(Convention.KERAS, 0.5);
    assertThatThrownBy(() -> estimate(keras, NonFinitePolicy.SKIP, 2, batches))
        .isInstanceOf(TooFewValuesException.class)
        .hasMessage("layer bn, mini-batch b1 has no finite value" + advice);
    Estimator torch = estimator(Convention.PYTORCH, 0.5, DROP);
    assertThatThrownBy(() -> estimate(torch, NonFinitePolicy.SKIP, 2, batches))
        .isInstanceOf(TooFewValuesException.class)
        .hasMessage("layer bn, mini-batch b1 has no 2 finite values" + advice);
    RunningStatistics propagated = estimate(keras, NonFinitePolicy.PROPAGATE, 2, batches);
    assertThat(propagated.mean()[0]).isEqualTo(2 / 8.0 + 5.5 / 4 + 8 / 2.0);
    assertThat(propagated.mean()[1]).isNaN();
    assertThat(propagated.variance()[1]).isNaN();
    assertThat(estimate(cumulative(Convention.KERAS), NonFinitePolicy.SKIP, 2, batches).mean())
        .containsExactly((2 + 5.5 + 8) / 3, 6);
  }

  /** Left out of n, where something else is left. */
  @Test
  void aValueThatIsNotFiniteIsSkipped() {
    RunningStatistics found =
        estimate(
            estimator(Convention.PYTORCH, 0.5),
            NonFinitePolicy.SKIP,
            1,
            values(1, NAN, 3),
            values(5, Double.POSITIVE_INFINITY, 7));
    assertThat(found.mean()).containsExactly(2 / 4.0 + 6 / 2.0);
    assertThat(found.variance()).containsExactly(1 / 4.0 + 2 / 4.0 + 2 / 2.0);
  }

  @Test
  void optionsRefuseWhatIsNoMomentum() {
    assertThatThrownBy(() -> new Options(DROP, Convention.FLAX, OptionalDouble.of(1.5)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("momentum is 1.5, but must be between 0 and 1");
  }
}
