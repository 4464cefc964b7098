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
 *
 * @param <S> an immutable state of C channels
 */
abstract class MomentsContractTest<S> {
  private static final long SEED = 20_150_211;

  abstract S empty(int channels);

  /** The state of these blocks' values. */
  abstract S of(int channels, TensorBlock... blocks);

  abstract S merge(S a, S b);

  abstract long count(S state, int channel);

  abstract double mean(S state, int channel);

  abstract double biasedVariance(S state, int channel);

  abstract double unbiasedVariance(S state, int channel);

  /**
   * Checks a state against exact arithmetic, as closely as this representation promises.
   *
   * @param merges from how many pieces the state was merged
   */
  abstract void assertNear(S state, int channel, MomentsOracle exact, int merges);

  private S state(double... values) {
    return of(1, Blocks.channel(values));
  }

  private List<S> pieces(double[] values, int pieces, Random random) {
    int[] cuts = random.ints(pieces - 1, 0, values.length + 1).sorted().toArray();
    List<S> states = new ArrayList<>();
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
    List<S> states = pieces(kind.draw(random, 1000), 30, random);
    for (S a : states) {
      for (S b : states) {
        assertThat(merge(a, b)).as("seed %d", SEED).isEqualTo(merge(b, a));
      }
    }
  }

  @Test
  void mergingCommutesToTheBitAroundZeroAndAtTheEndsOfTheRange() {
    double[] ends = {
      0.0, -0.0, Double.MIN_VALUE, -Double.MIN_VALUE, Double.MAX_VALUE, -Double.MAX_VALUE, 1e-310
    };
    List<S> states = new ArrayList<>();
    for (double x : ends) {
      for (double y : ends) {
        states.add(state(x, y));
        states.add(state(x, y, y));
      }
    }
    for (S a : states) {
      for (S b : states) {
        assertThat(merge(a, b)).isEqualTo(merge(b, a));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void emptyIsTheIdentity(Values kind) {
    S state = state(kind.draw(new Random(SEED), 100));
    assertThat(merge(state, empty(1))).isEqualTo(state);
    assertThat(merge(empty(1), state)).isEqualTo(state);
    assertThat(merge(empty(1), empty(1))).isEqualTo(empty(1));
    assertThat(state()).isEqualTo(empty(1));
  }

  @ParameterizedTest
  @EnumSource
  void groupingAndOrderOfMergesDoNotMatter(Values kind) {
    Random random = new Random(SEED);
    double[] values = kind.draw(random, 2000);
    List<S> states = new ArrayList<>(pieces(values, 40, random));
    MomentsOracle exact = MomentsOracle.of(values);
    for (int order = 0; order < 20; order++) {
      Collections.shuffle(states, random);
      assertNear(states.stream().reduce(empty(1), this::merge), 0, exact, 40);
      assertNear(tree(states, random), 0, exact, 40);
    }
  }

  private S tree(List<S> states, Random random) {
    if (states.size() == 1) {
      return states.get(0);
    }
    int cut = 1 + random.nextInt(states.size() - 1);
    S left = tree(states.subList(0, cut), random);
    return merge(left, tree(states.subList(cut, states.size()), random));
  }

  @ParameterizedTest
  @EnumSource
  void splitAnywhereGivesTheSame(Values kind) {
    double[] values = kind.draw(new Random(SEED), 100);
    MomentsOracle exact = MomentsOracle.of(values);
    for (int cut = 0; cut <= values.length; cut++) {
      S left = state(Arrays.copyOfRange(values, 0, cut));
      S right = state(Arrays.copyOfRange(values, cut, values.length));
      assertNear(merge(left, right), 0, exact, 2);
    }
  }

  /** Acceptance 18: beyond the counts that a float, an int and a double hold. */
  @ParameterizedTest
  @ValueSource(longs = {(1L << 24) + 1, (1L << 31) + 5, (1L << 53) + 1})
  void countsStayExact(long count) {
    S ones = copies(state(1), count);
    assertThat(count(ones, 0)).isEqualTo(count);
    assertThat(mean(ones, 0)).isEqualTo(1);
    assertThat(biasedVariance(ones, 0)).isEqualTo(+0.0);
    // As many threes: the mean is 2, every deviation 1, M2 twice the count.
    S both = merge(ones, copies(state(3), count));
    assertThat(count(both, 0)).isEqualTo(2 * count);
    assertThat(mean(both, 0)).isEqualTo(2);
    assertThat(biasedVariance(both, 0)).isEqualTo(1);
  }

  @Test
  void aCountBeyondALongIsRefused() {
    S most = copies(state(1), Long.MAX_VALUE);
    assertThat(count(most, 0)).isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(() -> merge(most, state(1)))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage("long overflow");
  }

  /** By doubling: the state of 2^k copies, where bit k of the count is set. */
  private S copies(S one, long count) {
    S sum = empty(1);
    S doubled = one;
    for (long left = count; left > 0; left >>= 1) {
      if ((left & 1) == 1) {
        sum = merge(sum, doubled);
      }
      if (left > 1) {
        doubled = merge(doubled, doubled);
      }
    }
    return sum;
  }

  /** Hostile input 29. */
  @Test
  void nothingHasNoMeanAndOneValueNoUnbiasedVariance() {
    assertThatThrownBy(() -> mean(empty(1), 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 0 has 0 values, but a mean needs at least 1");
    assertThatThrownBy(() -> biasedVariance(empty(1), 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 0 has 0 values, but a biased variance needs at least 1");
    assertThatThrownBy(() -> unbiasedVariance(empty(1), 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 0 has 0 values, but an unbiased variance needs at least 2");
    S one = state(7);
    assertThat(mean(one, 0)).isEqualTo(7);
    assertThat(biasedVariance(one, 0)).isEqualTo(+0.0);
    assertThatThrownBy(() -> unbiasedVariance(one, 0))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("channel 0 has 1 value, but an unbiased variance needs at least 2");
  }

  @Test
  void thereMayBeNoChannels() {
    assertThat(merge(empty(0), empty(0))).isEqualTo(empty(0)).isNotEqualTo(empty(1));
  }

  @Test
  void statesOfDifferentChannelCountsDoNotMerge() {
    assertThatThrownBy(() -> merge(empty(3), empty(4)))
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
