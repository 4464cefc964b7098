package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The laws of merging, to the bit, whatever the width of the states. */
class ExactSumsTest {
  private static final long SEED = 20_150_229;
  private static final int CHANNELS = 3;

  /** Equal limbs, or equal values where the widths differ. */
  private static void assertEqual(ExactSums a, ExactSums b) {
    int shift = a.unitExponent() - b.unitExponent();
    if (shift < 0) {
      assertEqual(b, a);
      return;
    }
    assertThat(a.channels()).isEqualTo(b.channels());
    for (int c = 0; c < a.channels(); c++) {
      assertThat(a.count(c)).as("seed %d", SEED).isEqualTo(b.count(c));
      assertThat(a.sum(c).shiftLeft(shift)).as("seed %d", SEED).isEqualTo(b.sum(c));
      assertThat(a.squares(c).shiftLeft(2 * shift)).as("seed %d", SEED).isEqualTo(b.squares(c));
    }
  }

  /** A value of binary32, any bits. */
  private static double narrow(Random random) {
    float value = Float.intBitsToFloat(random.nextInt());
    return Float.isFinite(value) ? value : 1;
  }

  private static double wide(Random random) {
    double value = Double.longBitsToDouble(random.nextLong());
    return Double.isFinite(value) ? value : 1;
  }

  /** Adds a value of binary32 without widening. */
  private static void addNarrow(ExactSums sums, int channel, double value) {
    int exponent = Math.max(Math.getExponent(value), Float.MIN_EXPONENT) - 23;
    long significand = (long) Math.scalb(value, -exponent);
    sums.addToCount(channel, 1);
    sums.addToSum(channel, significand, exponent);
    sums.addToSquares(channel, significand * significand, 2 * exponent);
  }

  private static ExactSums state(Random random, int values, boolean wide) {
    ExactSums sums = ExactSums.forChannels(CHANNELS);
    for (int i = 0; i < values; i++) {
      int channel = random.nextInt(CHANNELS);
      if (wide) {
        sums.add(channel, wide(random));
      } else {
        addNarrow(sums, channel, narrow(random));
      }
    }
    return sums;
  }

  private static ExactSums merged(ExactSums... parts) {
    ExactSums sum = ExactSums.forChannels(CHANNELS);
    for (ExactSums part : parts) {
      sum.merge(part);
    }
    return sum;
  }

  @Test
  void mergingIsCommutativeAndAssociativeWithAnIdentity() {
    Random random = new Random(SEED);
    for (int i = 0; i < 500; i++) {
      ExactSums a = state(random, random.nextInt(20), i % 2 == 1);
      ExactSums b = state(random, random.nextInt(20), i % 4 > 1);
      ExactSums c = state(random, random.nextInt(20), i % 8 > 3);
      assertEqual(merged(a, b), merged(b, a));
      assertEqual(merged(merged(a, b), c), merged(a, merged(b, c)));
      assertEqual(merged(a, ExactSums.forChannels(CHANNELS)), a);
      assertEqual(merged(ExactSums.forChannels(CHANNELS), a), a);
    }
  }

  @Test
  void theSameValuesInAnyOrderAndSplitAnywhereAreTheSameState() {
    Random random = new Random(SEED);
    List<Double> values = new ArrayList<>();
    IntegerOracle oracle = new IntegerOracle(CHANNELS);
    for (int i = 0; i < 300; i++) {
      values.add(i % 3 == 0 ? wide(random) : narrow(random));
      oracle.add(1, values.get(i));
    }
    for (int split = 0; split <= values.size(); split++) {
      Collections.shuffle(values, random);
      ExactSums left = ExactSums.forChannels(CHANNELS);
      ExactSums right = ExactSums.forChannels(CHANNELS);
      for (int i = 0; i < values.size(); i++) {
        (i < split ? left : right).add(1, values.get(i));
      }
      right.merge(left);
      oracle.assertSame(right, "seed " + SEED + ", split " + split);
    }
  }

  @Test
  void aNarrowStateWidensWhenItMustAndNarrowsWhenCleared() {
    ExactSums sums = ExactSums.forChannels(CHANNELS);
    addNarrow(sums, 2, -0x1.8p-149);
    assertThat(sums.unitExponent()).isEqualTo(-149);
    ExactSums before = sums.copy();
    sums.requireWide();
    assertThat(sums.unitExponent()).isEqualTo(-1074);
    assertEqual(sums, before);
    before.merge(sums);
    assertThat(before.unitExponent()).isEqualTo(-1074);
    sums.clear();
    assertThat(sums.unitExponent()).isEqualTo(-149);
    assertEqual(sums, ExactSums.forChannels(CHANNELS));
  }

  @Test
  void aCopyGoesItsOwnWay() {
    ExactSums sums = ExactSums.forChannels(CHANNELS);
    addNarrow(sums, 0, 3);
    ExactSums copy = sums.copy();
    addNarrow(copy, 0, 4);
    assertThat(sums.count(0)).isEqualTo(1);
    assertThat(sums.sum(0).shiftRight(149)).isEqualTo(BigInteger.valueOf(3));
    assertThat(copy.squares(0).shiftRight(298)).isEqualTo(BigInteger.valueOf(25));
  }

  /** Counts of 2^62 are out of reach for a loop, but not for a state merged with itself. */
  @Test
  void doublingFillsTheStateAndTheCountStopsIt() {
    for (double value : new double[] {Float.MAX_VALUE, -Float.MAX_VALUE, Float.MIN_VALUE}) {
      ExactSums sums = ExactSums.forChannels(CHANNELS);
      addNarrow(sums, 1, value);
      checkDoubling(sums);
    }
    for (double value : new double[] {Double.MAX_VALUE, -Double.MAX_VALUE, Double.MIN_VALUE}) {
      ExactSums sums = ExactSums.forChannels(CHANNELS);
      sums.add(1, value);
      checkDoubling(sums);
    }
  }

  private static void checkDoubling(ExactSums sums) {
    final BigInteger sum = sums.sum(1);
    final BigInteger squares = sums.squares(1);
    for (int i = 1; i <= 62; i++) {
      sums.merge(sums);
      assertThat(sums.count(1)).isEqualTo(1L << i);
      assertThat(sums.sum(1)).isEqualTo(sum.shiftLeft(i));
      assertThat(sums.squares(1)).isEqualTo(squares.shiftLeft(i));
    }
    ExactSums before = sums.copy();
    assertThatThrownBy(() -> sums.merge(before)).isInstanceOf(ArithmeticException.class);
    assertEqual(sums, before);
    assertThatThrownBy(() -> sums.addToCount(1, 1L << 62)).isInstanceOf(ArithmeticException.class);
    assertEqual(sums, before);
    sums.addToCount(1, (1L << 62) - 1);
    assertThat(sums.count(1)).isEqualTo(Long.MAX_VALUE);
  }

  /** Rounded sums of squares come with a correction that may be negative. */
  @Test
  void squaresTakeSignedCorrections() {
    ExactSums sums = ExactSums.forChannels(CHANNELS);
    sums.addToSquares(0, -1, -40); // 2^64 - 1, unsigned
    sums.addSignedToSquares(0, -1, -40);
    assertThat(sums.squares(0))
        .isEqualTo(BigInteger.TWO.pow(64).subtract(BigInteger.TWO).shiftLeft(258));
  }

  @Test
  void noChannelsAreFineAndDifferentNumbersOfThemAreNot() {
    ExactSums none = ExactSums.forChannels(0);
    none.merge(ExactSums.forChannels(0));
    assertThat(none.channels()).isZero();
    assertThatThrownBy(() -> ExactSums.forChannels(2).merge(ExactSums.forChannels(3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cannot merge sums of 2 and 3 channels");
    assertThatThrownBy(() -> ExactSums.forChannels(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("negative number of channels: -1");
  }
}
