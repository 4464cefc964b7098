package org.sparkbatchnorm.estimator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches.DROP;
import static org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches.REFUSE;

import java.util.Arrays;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchTerms;
import org.sparkbatchnorm.statistics.MiniBatchTerms.Variance;
import org.sparkbatchnorm.tensor.DType;

class EstimatorTest {
  private static final double NAN = Double.NaN;
  private static final Estimator.Options OPTIONS = Estimator.Options.of(REFUSE, Convention.PYTORCH);

  /** For the few roundings of merge and quotient, at values below 32. */
  private static final Offset<Double> FEW_ULPS = Offset.offset(4 * Math.ulp(20.0));

  private static final List<Estimator> ALL =
      Estimator.names().stream()
          .map(name -> Estimator.ofName(name, OPTIONS).orElseThrow())
          .toList();

  /** Layer {@code bn} of these mini-batches, b0, b1, ..., rows of channels each. */
  private static LayerMoments layer(int channels, double[]... batches) {
    return Layers.layer(ALL, channels, Layers.batches(batches));
  }

  private static double[] values(double... values) {
    return values;
  }

  private static void assertEstimate(
      Estimator estimator, LayerMoments layer, double mean, double variance) {
    RunningStatistics found = estimator.estimate(layer, NonFinitePolicy.FAIL, DType.F64);
    assertThat(found.mean()[0]).as(estimator.name()).isEqualTo(mean, FEW_ULPS);
    assertThat(found.variance()[0]).as(estimator.name()).isEqualTo(variance, FEW_ULPS);
    assertThat(found.miniBatches()).isEqualTo(layer.miniBatches());
  }

  /** Acceptance 11, exact by hand; paper is PyTorch's update_bn. */
  @Test
  void miniBatchesOfDifferentSizes() {
    LayerMoments layer = layer(1, values(1, 2, 3, 4), values(10, 12));
    assertEstimate(Estimator.pooledBiased(), layer, 16 / 3.0, 310 / 18.0);
    assertEstimate(Estimator.pooledUnbiased(), layer, 16 / 3.0, 310 / 15.0);
    assertEstimate(Estimator.paper(REFUSE), layer, 6.75, 11 / 6.0);
  }

  /** Acceptance 12, exact by hand. */
  @Test
  void paperLeavesOutTheVarianceBetweenMiniBatches() {
    LayerMoments layer = layer(1, values(1, 2), values(3, 4), values(10, 12));
    assertEstimate(Estimator.paper(REFUSE), layer, 16 / 3.0, 1);
    assertEstimate(Estimator.pooledBiased(), layer, 16 / 3.0, 310 / 18.0);
    assertEstimate(Estimator.pooledUnbiased(), layer, 16 / 3.0, 310 / 15.0);
  }

  /** Acceptance 16: PyTorch's update_bn counts the empty one, and gives a variance of 5.3333. */
  @Test
  void anEmptyMiniBatchChangesNothing() {
    LayerMoments layer = layer(1, values(1, 3), values(), values(11, 13));
    assertEstimate(Estimator.paper(REFUSE), layer, 7, 2);
    assertEstimate(Estimator.pooledBiased(), layer, 7, 26);
    assertThat(
            Estimator.paper(REFUSE).estimate(layer, NonFinitePolicy.FAIL, DType.F64).miniBatches())
        .isEqualTo(2);
  }

  @Test
  void pooledNamesLayerChannelAndCountOfTooFewValues() {
    LayerMoments second = layer(2, values(1, NAN, 2, 3));
    assertThatThrownBy(
            () -> Estimator.pooledUnbiased().estimate(second, NonFinitePolicy.SKIP, DType.F64))
        .isInstanceOf(TooFewValuesException.class)
        .hasMessage("layer bn, channel 1 has n = 1, but pooled-unbiased needs at least 2");
    assertThat(
            Estimator.pooledBiased().estimate(second, NonFinitePolicy.SKIP, DType.F64).variance())
        .containsExactly(0.25, 0);
    LayerMoments nothing = layer(1, values());
    assertThatThrownBy(
            () -> Estimator.pooledBiased().estimate(nothing, NonFinitePolicy.FAIL, DType.F64))
        .isInstanceOf(TooFewValuesException.class)
        .hasMessage("layer bn, channel 0 has n = 0, but pooled-biased needs at least 1");
  }

  @Test
  void paperNamesTheIncompleteMiniBatch() {
    LayerMoments layer = layer(1, values(1, 2), values(7), values(8));
    assertThatThrownBy(
            () -> Estimator.paper(REFUSE).estimate(layer, NonFinitePolicy.FAIL, DType.F64))
        .isInstanceOf(TooFewValuesException.class)
        .hasMessage(
            "layer bn, mini-batch b1 has one value in channel 0, but paper needs at least 2 per"
                + " channel (--drop-incomplete leaves such mini-batches out)");
    assertEstimate(Estimator.paper(DROP), layer, 1.5, 0.5);
  }

  @Test
  void paperNeedsOneCompleteMiniBatch() {
    String message =
        "layer bn, channel 0 has no mini-batch with at least 2 values, but paper needs one";
    for (LayerMoments layer : new LayerMoments[] {layer(1), layer(1, values(7), values(8))}) {
      assertThatThrownBy(
              () -> Estimator.paper(DROP).estimate(layer, NonFinitePolicy.SKIP, DType.F64))
          .isInstanceOf(TooFewValuesException.class)
          .hasMessage(message);
    }
  }

  @Test
  void skipLeavesOutWhatIsNotFinite() {
    LayerMoments layer = layer(1, values(1, NAN, 2), values(3, 4, Double.POSITIVE_INFINITY));
    RunningStatistics pooled =
        Estimator.pooledBiased().estimate(layer, NonFinitePolicy.SKIP, DType.F64);
    assertThat(pooled.mean()).containsExactly(2.5);
    assertThat(pooled.variance()).containsExactly(1.25);
    RunningStatistics paper =
        Estimator.paper(REFUSE).estimate(layer, NonFinitePolicy.SKIP, DType.F64);
    assertThat(paper.mean()).containsExactly(2.5);
    assertThat(paper.variance()).containsExactly(0.5);
  }

  @Test
  void propagateMakesOnlyTheChannelsConcernedNaN() {
    // Rows of two channels; channel 1 has an infinity, and a mini-batch of one finite value.
    LayerMoments layer = layer(2, values(1, 5, 2, Double.NEGATIVE_INFINITY), values(3, 6, 4, 7));
    for (Estimator estimator :
        new Estimator[] {
          Estimator.pooledUnbiased(), Estimator.pooledBiased(), Estimator.paper(REFUSE)
        }) {
      RunningStatistics found = estimator.estimate(layer, NonFinitePolicy.PROPAGATE, DType.F64);
      assertThat(found.mean()).as(estimator.name()).containsExactly(2.5, NAN);
      assertThat(found.variance()[0]).isPositive();
      assertThat(found.variance()[1]).isNaN();
    }
    assertThatThrownBy(
            () -> Estimator.paper(REFUSE).estimate(layer, NonFinitePolicy.SKIP, DType.F64))
        .isInstanceOf(TooFewValuesException.class)
        .hasMessage(
            "layer bn, mini-batch b0 has one finite value in channel 1, but paper needs at least 2"
                + " per channel (--drop-incomplete leaves such mini-batches out)");
  }

  @Test
  void propagateIsNaNEvenWithoutAnyFiniteValue() {
    LayerMoments layer = layer(1, values(NAN, NAN));
    for (String name : Estimator.names()) {
      Estimator estimator = Estimator.ofName(name, OPTIONS).orElseThrow();
      assertThat(estimator.estimate(layer, NonFinitePolicy.PROPAGATE, DType.F64).variance())
          .contains(NAN);
    }
  }

  @Test
  void propagateStillRefusesAMiniBatchThatHasOneValueAtAll() {
    LayerMoments layer = layer(1, values(1, NAN), values(7), values(1, 2));
    assertThatThrownBy(
            () -> Estimator.paper(REFUSE).estimate(layer, NonFinitePolicy.PROPAGATE, DType.F64))
        .isInstanceOf(TooFewValuesException.class)
        .hasMessageStartingWith("layer bn, mini-batch b1 has one value in channel 0, ");
  }

  @Test
  void aConstantChannelHasVarianceZero() {
    LayerMoments layer = layer(1, values(0.1, 0.1, 0.1), values(0.1, 0.1));
    for (String name : List.of("pooled-unbiased", "pooled-biased", "paper")) {
      RunningStatistics found =
          Estimator.ofName(name, OPTIONS)
              .orElseThrow()
              .estimate(layer, NonFinitePolicy.FAIL, DType.F64);
      assertThat(found.variance()).as(name).containsExactly(+0.0);
      assertThat(found.mean()).as(name).containsExactly(0.1);
    }
  }

  @Test
  void thereMayBeNoChannels() {
    LayerMoments none = layer(0);
    for (String name : Estimator.names()) {
      Estimator estimator = Estimator.ofName(name, OPTIONS).orElseThrow();
      assertThat(estimator.estimate(none, NonFinitePolicy.FAIL, DType.F64).channels()).isZero();
    }
  }

  @Test
  void paperNeedsMiniBatchesAndSaysSo() {
    LayerMoments pooled = Layers.pooled(1, 1, 2);
    assertThat(Estimator.paper(REFUSE).terms())
        .contains(MiniBatchTerms.ofEqualWeight(Variance.UNBIASED));
    assertThat(Estimator.pooledBiased().terms()).isEmpty();
    assertThatThrownBy(
            () -> Estimator.paper(REFUSE).estimate(pooled, NonFinitePolicy.FAIL, DType.F64))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("mini-batches were not kept: bn");
  }

  @Test
  void namesAreExact() {
    assertThat(Estimator.names())
        .containsExactly("pooled-unbiased", "pooled-biased", "paper", "moving-average");
    for (String name : Estimator.names()) {
      assertThat(Estimator.ofName(name, OPTIONS).orElseThrow().name()).isEqualTo(name);
    }
    assertThat(Estimator.ofName("Paper", OPTIONS)).isEmpty();
  }

  @Test
  void policiesHaveWords() {
    assertThat(Arrays.stream(NonFinitePolicy.values()).map(NonFinitePolicy::word))
        .containsExactly("fail", "skip", "propagate");
  }
}
