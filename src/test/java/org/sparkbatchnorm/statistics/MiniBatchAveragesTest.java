package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.statistics.MiniBatchAverages.IncompleteMiniBatch;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;

class MiniBatchAveragesTest {
  private static final long SEED = 12;

  private static MiniBatchAverages batch(String name, double... values) {
    return MiniBatchAverages.of(Blocks.moments(1, Blocks.channel(values)), name);
  }

  /** Acceptance 12, exact by hand. */
  @Test
  void everyMiniBatchWeighsTheSame() {
    MiniBatchAverages three = batch("a", 1, 2).plus(batch("b", 3, 4)).plus(batch("c", 10, 12));
    assertThat(three.batches(0)).isEqualTo(3);
    assertThat(three.averageMean(0, DType.F64)).isEqualTo(16 / 3.0);
    assertThat(three.averageUnbiasedVariance(0, DType.F64)).isEqualTo(1);
  }

  @Test
  void anyOrderIsTheSameToTheBit() {
    Random random = new Random(SEED);
    List<MiniBatchAverages> batches = new ArrayList<>();
    double mean = 0;
    for (int b = 0; b < 200; b++) {
      double[] values = Values.GAUSSIAN.draw(random, 2 + random.nextInt(30));
      batches.add(batch("b" + b, values));
      mean += Arrays.stream(values).average().orElseThrow() / 200;
    }
    MiniBatchAverages first = batches.stream().reduce(MiniBatchAverages::plus).orElseThrow();
    // The expected one has 200 additions of numbers of about 1, each off by 2^-53 of them.
    double bound = 200 * 200 * 0x1p-53;
    assertThat(first.averageMean(0, DType.F64)).isBetween(mean - bound, mean + bound);
    for (int order = 0; order < 20; order++) {
      Collections.shuffle(batches, random);
      MiniBatchAverages sum = batches.stream().reduce(MiniBatchAverages::plus).orElseThrow();
      assertThat(sum.batches(0)).as("seed %d", SEED).isEqualTo(200);
      assertThat(sum.averageMean(0, DType.F64)).isEqualTo(first.averageMean(0, DType.F64));
      assertThat(sum.averageUnbiasedVariance(0, DType.F64))
          .isEqualTo(first.averageUnbiasedVariance(0, DType.F64));
    }
  }

  /** Acceptance 16. */
  @Test
  void aMiniBatchWithoutValuesIsNoneAndOneOfNaNsNeither() {
    MiniBatchAverages averages =
        batch("a", 1, 3)
            .plus(batch("empty"))
            .plus(batch("NaN", Double.NaN))
            .plus(batch("b", 11, 13));
    assertThat(averages.batches(0)).isEqualTo(2);
    assertThat(averages.averageMean(0, DType.F64)).isEqualTo(7);
    assertThat(averages.averageUnbiasedVariance(0, DType.F64)).isEqualTo(2);
    assertThat(averages.incomplete()).isEmpty();
  }

  @Test
  void theFirstIncompleteOneByNameAndChannelIsRemembered() {
    MiniBatchAverages secondChannel =
        MiniBatchAverages.of(
            Blocks.moments(2, Blocks.whole(new ChannelView(2, 2, 1), 1, 2, 3, Double.NaN)), "b");
    MiniBatchAverages both =
        MiniBatchAverages.of(Blocks.moments(2, Blocks.whole(new ChannelView(1, 2, 1), 1, 2)), "b");
    MiniBatchAverages later =
        MiniBatchAverages.of(Blocks.moments(2, Blocks.whole(new ChannelView(1, 2, 1), 1, 2)), "c");
    List<MiniBatchAverages> batches = new ArrayList<>(List.of(secondChannel, both, later));
    for (int order = 0; order < 6; order++) {
      Collections.rotate(batches, 1);
      if (order == 3) {
        Collections.swap(batches, 0, 1);
      }
      MiniBatchAverages sum = batches.stream().reduce(MiniBatchAverages::plus).orElseThrow();
      assertThat(sum.incomplete()).contains(new IncompleteMiniBatch("b", 0));
    }
    assertThat(secondChannel.incomplete()).contains(new IncompleteMiniBatch("b", 1));
    assertThat(secondChannel.incompleteAllFinite()).isEmpty();
    assertThat(both.incompleteAllFinite()).contains(new IncompleteMiniBatch("b", 0));
    assertThat(secondChannel.plus(later).incompleteAllFinite())
        .contains(new IncompleteMiniBatch("c", 0));
  }

  @Test
  void channelsAreCountedApart() {
    MiniBatchAverages averages =
        MiniBatchAverages.of(
            Blocks.moments(2, Blocks.whole(new ChannelView(2, 2, 1), 1, 2, 3, Double.NaN)), "b");
    assertThat(averages.batches(0)).isEqualTo(1);
    assertThat(averages.batches(1)).isZero();
    assertThat(averages.averageMean(0, DType.F64)).isEqualTo(2);
    assertThatThrownBy(() -> averages.averageMean(1, DType.F64))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 1 has no mini-batch with at least 2 values");
    assertThatThrownBy(() -> averages.averageUnbiasedVariance(1, DType.F64))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 1 has no mini-batch with at least 2 values");
  }

  @Test
  void noneIsTheIdentityAndChannelCountsMustAgree() {
    MiniBatchAverages sum = MiniBatchAverages.none(1).plus(batch("a", 1, 2));
    assertThat(sum.averageMean(0, DType.F64)).isEqualTo(1.5);
    assertThat(sum.batches(0)).isEqualTo(1);
    assertThat(MiniBatchAverages.none(0).plus(MiniBatchAverages.none(0)).channels()).isZero();
    MiniBatchAverages three = MiniBatchAverages.none(3);
    assertThatThrownBy(() -> three.plus(sum))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cannot add mini-batches of 3 and 1 channels");
  }

  @Test
  void survivesJavaSerialization() throws Exception {
    MiniBatchAverages copy = Serialized.copy(batch("a", 1, 2).plus(batch("single", 3)));
    assertThat(copy.batches(0)).isEqualTo(1);
    assertThat(copy.averageMean(0, DType.F64)).isEqualTo(1.5);
    assertThat(copy.averageUnbiasedVariance(0, DType.F64)).isEqualTo(0.5);
    assertThat(copy.incomplete()).contains(new IncompleteMiniBatch("single", 0));
    assertThat(copy.incompleteAllFinite()).contains(new IncompleteMiniBatch("single", 0));
  }
}
