package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * What every representation of a channel's moments keeps, whatever numbers it is made of. States
 * are compared by {@code equals}, which must mean equal to the bit.
 */
abstract class MomentsContractTest {
  private static final long SEED = 20_150_211;

  abstract Accumulation accumulation();

  final ChannelMoments empty(int channels) {
    return ChannelMoments.empty(channels, accumulation());
  }

  /** The state of these blocks' values. */
  final ChannelMoments of(int channels, TensorBlock... blocks) {
    ChannelMomentsAccumulator accumulator =
        ChannelMomentsAccumulator.forChannels(channels, accumulation());
    for (TensorBlock block : blocks) {
      accumulator.add(block);
    }
    return accumulator.snapshot();
  }

  /**
   * Checks a state against exact arithmetic, as closely as this representation promises.
   *
   * @param merges from how many pieces the state was merged
   */
  abstract void assertNear(ChannelMoments state, int channel, MomentsOracle exact, int merges);

  private ChannelMoments state(double... values) {
    return of(1, Blocks.channel(values));
  }

  private List<ChannelMoments> pieces(double[] values, int pieces, Random random) {
    int[] cuts = random.ints(pieces - 1, 0, values.length + 1).sorted().toArray();
    List<ChannelMoments> states = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < pieces; i++) {
      int to = i < cuts.length ? cuts[i] : values.length;
      states.add(state(Arrays.copyOfRange(values, from, to)));
      from = to;
    }
    return states;
  }

  @ParameterizedTest
  @EnumSource
  void mergingCommutesToTheBit(Values kind) {
    Random random = new Random(SEED);
    List<ChannelMoments> states = pieces(kind.draw(random, 1000), 30, random);
    for (ChannelMoments a : states) {
      for (ChannelMoments b : states) {
        assertThat(a.merge(b)).as("seed %d", SEED).isEqualTo(b.merge(a));
      }
    }
  }

  @Test
  void mergingCommutesToTheBitAroundZeroAndAtTheEndsOfTheRange() {
    double[] ends = {
      0.0, -0.0, Double.MIN_VALUE, -Double.MIN_VALUE, Double.MAX_VALUE, -Double.MAX_VALUE, 1e-310
    };
    List<ChannelMoments> states = new ArrayList<>();
    for (double x : ends) {
      for (double y : ends) {
        states.add(state(x, y));
        states.add(state(x, y, y));
      }
    }
    for (ChannelMoments a : states) {
      for (ChannelMoments b : states) {
        assertThat(a.merge(b)).isEqualTo(b.merge(a));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void emptyIsTheIdentity(Values kind) {
    ChannelMoments state = state(kind.draw(new Random(SEED), 100));
    assertThat(state.merge(empty(1))).isEqualTo(state);
    assertThat(empty(1).merge(state)).isEqualTo(state);
    assertThat(empty(1).merge(empty(1))).isEqualTo(empty(1));
    assertThat(state()).isEqualTo(empty(1));
  }

  @ParameterizedTest
  @EnumSource
  void groupingAndOrderOfMergesDoNotMatter(Values kind) {
    Random random = new Random(SEED);
    double[] values = kind.draw(random, 2000);
    List<ChannelMoments> states = new ArrayList<>(pieces(values, 40, random));
    MomentsOracle exact = MomentsOracle.of(values);
    for (int order = 0; order < 20; order++) {
      Collections.shuffle(states, random);
      assertNear(states.stream().reduce(empty(1), ChannelMoments::merge), 0, exact, 40);
      assertNear(tree(states, random), 0, exact, 40);
    }
  }

  private ChannelMoments tree(List<ChannelMoments> states, Random random) {
    if (states.size() == 1) {
      return states.get(0);
    }
    int cut = 1 + random.nextInt(states.size() - 1);
    ChannelMoments left = tree(states.subList(0, cut), random);
    return left.merge(tree(states.subList(cut, states.size()), random));
  }

  @ParameterizedTest
  @EnumSource
  void splitAnywhereGivesTheSame(Values kind) {
    double[] values = kind.draw(new Random(SEED), 100);
    MomentsOracle exact = MomentsOracle.of(values);
    for (int cut = 0; cut <= values.length; cut++) {
      ChannelMoments left = state(Arrays.copyOfRange(values, 0, cut));
      ChannelMoments right = state(Arrays.copyOfRange(values, cut, values.length));
      assertNear(left.merge(right), 0, exact, 2);
    }
  }

  /** Acceptance 18: beyond the counts that a float, an int and a double hold. */
  @ParameterizedTest
  @ValueSource(longs = {(1L << 24) + 1, (1L << 31) + 5, (1L << 53) + 1})
  void countsStayExact(long count) {
    ChannelMoments ones = copies(state(1), count);
    assertThat(ones.count(0)).isEqualTo(count);
    assertThat(ones.mean(0)).isEqualTo(1);
    assertThat(ones.biasedVariance(0)).isEqualTo(+0.0);
    // As many threes: the mean is 2, every deviation 1, M2 twice the count.
    ChannelMoments both = ones.merge(copies(state(3), count));
    assertThat(both.count(0)).isEqualTo(2 * count);
    assertThat(both.mean(0)).isEqualTo(2);
    assertThat(both.biasedVariance(0)).isEqualTo(1);
  }

  @Test
  void aCountBeyondALongIsRefused() {
    ChannelMoments most = copies(state(1), Long.MAX_VALUE);
    assertThat(most.count(0)).isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(() -> most.merge(state(1)))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage("long overflow");
  }

  /** By doubling: the state of 2^k copies, where bit k of the count is set. */
  private ChannelMoments copies(ChannelMoments one, long count) {
    ChannelMoments sum = empty(1);
    ChannelMoments doubled = one;
    for (long left = count; left > 0; left >>= 1) {
      if ((left & 1) == 1) {
        sum = sum.merge(doubled);
      }
      if (left > 1) {
        doubled = doubled.merge(doubled);
      }
    }
    return sum;
  }

  /** Hostile input 29. */
  @Test
  void nothingHasNoMeanAndOneValueNoUnbiasedVariance() {
    assertThatThrownBy(() -> empty(1).mean(0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 0 has 0 values, but a mean needs at least 1");
    assertThatThrownBy(() -> empty(1).biasedVariance(0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 0 has 0 values, but a biased variance needs at least 1");
    assertThatThrownBy(() -> empty(1).unbiasedVariance(0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 0 has 0 values, but an unbiased variance needs at least 2");
    ChannelMoments one = state(7);
    assertThat(one.mean(0)).isEqualTo(7);
    assertThat(one.biasedVariance(0)).isEqualTo(+0.0);
    assertThatThrownBy(() -> one.unbiasedVariance(0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 0 has 1 value, but an unbiased variance needs at least 2");
  }

  @Test
  void thereMayBeNoChannels() {
    assertThat(empty(0).merge(empty(0))).isEqualTo(empty(0)).isNotEqualTo(empty(1));
  }

  @Test
  void statesOfDifferentChannelCountsDoNotMerge() {
    assertThatThrownBy(() -> empty(3).merge(empty(4)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cannot merge moments of 3 and 4 channels");
  }

  @Test
  void aNegativeNumberOfChannelsIsRefused() {
    assertThatThrownBy(() -> empty(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("negative number of channels: -1");
  }
}
