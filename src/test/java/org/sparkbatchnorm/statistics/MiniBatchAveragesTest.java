package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.statistics.MiniBatchAccumulator.MiniBatch;
import org.sparkbatchnorm.statistics.MiniBatchAverages.IncompleteMiniBatch;
import org.sparkbatchnorm.statistics.MiniBatchTerms.Variance;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;

class MiniBatchAveragesTest {
  private static final long SEED = 12;

  private static MiniBatchAccumulator batch(String name, double... values) {
    return MiniBatches.paper(name, Blocks.moments(1, Blocks.channel(values)));
  }

  private static MiniBatchAverages sum(MiniBatchAccumulator... batches) {
    return MiniBatches.paper(1, List.of(batches));
  }

  /** Acceptance 12, exact by hand. */
  @Test
  void everyMiniBatchWeighsTheSame() {
    MiniBatchAverages three = sum(batch("a", 1, 2), batch("b", 3, 4), batch("c", 10, 12));
    assertThat(three.batches(0)).isEqualTo(3);
    assertThat(three.averageMean(0, DType.F64)).isEqualTo(16 / 3.0);
    assertThat(three.averageVariance(0, DType.F64)).isEqualTo(1);
  }

  @Test
  void anyOrderIsTheSameToTheBit() {
    Random random = new Random(SEED);
    List<MiniBatchAccumulator> batches = new ArrayList<>();
    double mean = 0;
    for (int b = 0; b < 200; b++) {
      double[] values = Values.GAUSSIAN.draw(random, 2 + random.nextInt(30));
      batches.add(batch("b" + b, values));
      mean += Arrays.stream(values).average().orElseThrow() / 200;
    }
    MiniBatchAverages first = MiniBatches.paper(1, batches);
    // The expected one has 200 additions of numbers of about 1, each off by 2^-53 of them.
    double bound = 200 * 200 * 0x1p-53;
    assertThat(first.averageMean(0, DType.F64)).isBetween(mean - bound, mean + bound);
    for (int order = 0; order < 20; order++) {
      Collections.shuffle(batches, random);
      MiniBatchAverages sum = MiniBatches.paper(1, batches);
      assertThat(sum.batches(0)).as("seed %d", SEED).isEqualTo(200);
      assertThat(sum.averageMean(0, DType.F64)).isEqualTo(first.averageMean(0, DType.F64));
      assertThat(sum.averageVariance(0, DType.F64)).isEqualTo(first.averageVariance(0, DType.F64));
    }
  }

  /** Acceptance 16. */
  @Test
  void aMiniBatchWithoutValuesIsNoneAndOneOfNaNsNeither() {
    MiniBatchAverages averages =
        sum(batch("a", 1, 3), batch("empty"), batch("NaN", Double.NaN), batch("b", 11, 13));
    assertThat(averages.batches(0)).isEqualTo(2);
    assertThat(averages.averageMean(0, DType.F64)).isEqualTo(7);
    assertThat(averages.averageVariance(0, DType.F64)).isEqualTo(2);
    assertThat(averages.incomplete()).isEmpty();
  }

  @Test
  void theFirstIncompleteOneByNameAndChannelIsRemembered() {
    MiniBatchAccumulator secondChannel = twoChannels("b", 2, 1, 2, 3, Double.NaN);
    MiniBatchAccumulator both = twoChannels("b", 1, 1, 2);
    MiniBatchAccumulator later = twoChannels("c", 1, 1, 2);
    List<MiniBatchAccumulator> batches = new ArrayList<>(List.of(secondChannel, both, later));
    for (int order = 0; order < 6; order++) {
      Collections.rotate(batches, 1);
      if (order == 3) {
        Collections.swap(batches, 0, 1);
      }
      assertThat(MiniBatches.paper(2, batches).incomplete())
          .contains(new IncompleteMiniBatch("b", 0));
    }
    MiniBatchAverages second = MiniBatches.paper(2, List.of(secondChannel));
    assertThat(second.incomplete()).contains(new IncompleteMiniBatch("b", 1));
    assertThat(second.incompleteAllFinite()).isEmpty();
    assertThat(second.lacking()).contains(new IncompleteMiniBatch("b", 1));
    MiniBatchAverages first = MiniBatches.paper(2, List.of(both));
    assertThat(first.incompleteAllFinite()).contains(new IncompleteMiniBatch("b", 0));
    assertThat(first.lacking()).isEmpty();
    assertThat(MiniBatches.paper(2, List.of(secondChannel, later)).incompleteAllFinite())
        .contains(new IncompleteMiniBatch("c", 0));
  }

  private static MiniBatchAccumulator twoChannels(String name, int rows, double... values) {
    return MiniBatches.paper(
        name, Blocks.moments(2, Blocks.whole(new ChannelView(rows, 2, 1), values)));
  }

  @Test
  void channelsAreCountedApart() {
    MiniBatchAverages averages =
        MiniBatches.paper(2, List.of(twoChannels("b", 2, 1, 2, 3, Double.NaN)));
    assertThat(averages.miniBatches()).isEqualTo(1);
    assertThat(averages.batches(0)).isEqualTo(1);
    assertThat(averages.batches(1)).isZero();
    assertThat(averages.averageMean(0, DType.F64)).isEqualTo(2);
    assertThatThrownBy(() -> averages.averageMean(1, DType.F64))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 1 has no mini-batch with n >= 2");
    assertThatThrownBy(() -> averages.averageVariance(1, DType.F64))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 1 has no mini-batch with n >= 2");
  }

  /**
   * The recursion in exact arithmetic, rounded once at its end, is what any order of arrival gives,
   * to the bit.
   */
  @ParameterizedTest
  @CsvSource({"0.9, 0.1", "0.99, 0.010000000000000009", "0.5, 0.5", "0, 1", "1, 0", "0.1, 0.9"})
  void aRunningValueIsTheExactRecursionInAnyOrder(double keep, double fresh) {
    Random random = new Random(SEED);
    for (Variance kind : Variance.values()) {
      MiniBatchTerms terms = new MiniBatchTerms(kind, keep, fresh);
      List<MiniBatchAccumulator> batches = new ArrayList<>();
      BigDecimal mean = new BigDecimal(-2.5);
      BigDecimal variance = new BigDecimal(0.75);
      int count = 60;
      for (int b = 0; b < count; b++) {
        double[] values = Values.LARGE_MEAN_SMALL_DEVIATION.draw(random, 2 + random.nextInt(30));
        ChannelMoments moments = Blocks.moments(1, Blocks.channel(values));
        batches.add(MiniBatches.of(terms, new MiniBatch("b" + b, 1, count - 1 - b), moments));
        double batchVariance =
            kind == Variance.BIASED ? moments.biasedVariance(0) : moments.unbiasedVariance(0);
        mean = step(mean, moments.mean(0), terms);
        variance = step(variance, batchVariance, terms);
      }
      for (int order = 0; order < 20; order++) {
        Collections.shuffle(batches, random);
        MiniBatchAverages sum = MiniBatches.merged(terms, 1, batches);
        assertThat(sum.miniBatches()).isEqualTo(count);
        assertThat(sum.decayedMean(0, -2.5, DType.F64))
            .as("seed %d", SEED)
            .isEqualTo(mean.doubleValue());
        assertThat(sum.decayedVariance(0, 0.75, DType.F64)).isEqualTo(variance.doubleValue());
        assertThat(sum.decayedMean(0, -2.5, DType.F32)).isEqualTo(mean.floatValue());
      }
    }
  }

  private static BigDecimal step(BigDecimal running, double value, MiniBatchTerms terms) {
    return new BigDecimal(terms.keep())
        .multiply(running)
        .add(new BigDecimal(terms.fresh()).multiply(new BigDecimal(value)));
  }

  /** As in the frameworks: 0 times infinity is NaN there, but nothing here. */
  @Test
  void whatIsNotFiniteStays() {
    MiniBatchTerms terms = new MiniBatchTerms(Variance.BIASED, 0.5, 0.5);
    MiniBatchAverages averages =
        MiniBatches.merged(
            terms,
            1,
            List.of(
                MiniBatches.of(
                    terms,
                    new MiniBatch("b", 1, 0),
                    Blocks.moments(1, Blocks.channel(1e200, -1e200)))));
    assertThat(averages.decayedMean(0, Double.NaN, DType.F64)).isNaN();
    assertThat(averages.decayedMean(0, Double.POSITIVE_INFINITY, DType.F64)).isInfinite();
    assertThat(averages.decayedVariance(0, Double.NaN, DType.F64)).isNaN();
    // The variance of the mini-batch is 1e400.
    assertThat(averages.decayedVariance(0, 1, DType.F64)).isInfinite();
    assertThat(averages.decayedMean(0, 3, DType.F64)).isEqualTo(1.5);
  }

  /** Exact by hand: means 1.5, 3.5 and 11; rows 1, 2 and 4. */
  @Test
  void theMeansHaveAVarianceOfTheirOwn() {
    List<MiniBatchAccumulator> batches = new ArrayList<>();
    double[][] values = {{1, 2}, {3, 4}, {10, 12}};
    for (int b = 0; b < 3; b++) {
      ChannelMoments moments = Blocks.moments(1, Blocks.channel(values[b]));
      batches.add(MiniBatches.of(MiniBatches.PAPER, new MiniBatch("b" + b, 1 << b, 0), moments));
    }
    MiniBatchAverages averages = MiniBatches.paper(1, batches);
    // Mean 16/3; (23/6)^2 + (11/6)^2 + (34/6)^2 = 1806/36, halved.
    assertThat(averages.varianceOfMeans(0)).isEqualTo(1806 / 72.0);
    assertThat(averages.averageReciprocalRows()).isEqualTo(1.75 / 3);
    assertThat(sum(batch("a", 1, 2)).varianceOfMeans(0)).isZero();
    assertThat(sum(batch("none")).averageReciprocalRows()).isNaN();
  }

  @Test
  void whatIsMergedMustBeOfTheSameKind() {
    MiniBatchAccumulator three = MiniBatchAccumulator.forChannels(3, List.of(MiniBatches.PAPER));
    assertThatThrownBy(() -> three.merge(batch("a", 1, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cannot add mini-batches of 1 channels to those of 3");
    MiniBatchAccumulator none = MiniBatchAccumulator.forChannels(1, List.of());
    assertThatThrownBy(() -> none.merge(batch("a", 1, 2)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "cannot merge sums of [] and of [MiniBatchTerms[variance=UNBIASED, keep=1.0,"
                + " fresh=1.0]]");
    assertThatThrownBy(() -> MiniBatchAccumulator.forChannels(-1, List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("negative number of channels: -1");
    assertThatThrownBy(() -> new MiniBatchTerms(Variance.BIASED, 0.5, Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("weights 0.5 and NaN, but both must be between 0 and 1");
  }

  /** A snapshot stays what it was. */
  @Test
  void aSnapshotIsApart() {
    MiniBatchAccumulator batches = batch("a", 1, 2);
    MiniBatchAverages before = batches.snapshot().get(MiniBatches.PAPER);
    batches.merge(batch("b", 3, 4));
    assertThat(before.batches(0)).isEqualTo(1);
    assertThat(before.averageMean(0, DType.F64)).isEqualTo(1.5);
    assertThat(batches.snapshot().get(MiniBatches.PAPER).averageMean(0, DType.F64)).isEqualTo(2.5);
  }

  @Test
  void survivesJavaSerialization() throws Exception {
    MiniBatchAccumulator two = batch("a", 1, 2);
    two.merge(batch("single", 3));
    MiniBatchAverages copy = Serialized.copy(two).snapshot().get(MiniBatches.PAPER);
    assertThat(copy.batches(0)).isEqualTo(1);
    assertThat(copy.averageMean(0, DType.F64)).isEqualTo(1.5);
    assertThat(copy.averageVariance(0, DType.F64)).isEqualTo(0.5);
    assertThat(copy.incomplete()).contains(new IncompleteMiniBatch("single", 0));
    assertThat(copy.incompleteAllFinite()).contains(new IncompleteMiniBatch("single", 0));
  }
}
