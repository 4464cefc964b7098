package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The oracle is BigInteger; the numbers beside the one under test must stay as they are. */
class FixedPointTest {
  private static final long SEED = 1_505_05571;
  private static final BigInteger TWO_64 = BigInteger.ONE.shiftLeft(64);

  private static BigInteger unsigned(long value) {
    return new BigInteger(Long.toUnsignedString(value));
  }

  /** Values with long runs of equal bits, which is what carries like. */
  private static long value(SplittableRandom random) {
    long bits =
        switch (random.nextInt(4)) {
          case 0 -> random.nextLong();
          case 1 -> 1L << random.nextInt(64);
          case 2 -> -1L >>> random.nextInt(64);
          default -> Long.MIN_VALUE >> random.nextInt(64);
        };
    return random.nextInt(4) == 0 ? ~bits : bits;
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 6, 67})
  void additionsAreThoseOfIntegers(int limbs) {
    SplittableRandom random = new SplittableRandom(SEED);
    FixedPoint sums = FixedPoint.zeros(3, limbs, -100);
    BigInteger expected = BigInteger.ZERO;
    BigInteger modulus = BigInteger.ONE.shiftLeft(64 * limbs);
    for (int i = 0; i < 20_000; i++) {
      long value = value(random);
      int exponent = -100 + random.nextInt(64 * (limbs - 1) + 1);
      if (random.nextBoolean()) {
        sums.add(1, value, exponent);
        expected = expected.add(BigInteger.valueOf(value).shiftLeft(exponent + 100));
      } else {
        sums.addUnsigned(1, value, exponent);
        expected = expected.add(unsigned(value).shiftLeft(exponent + 100));
      }
      assertThat(sums.value(1).mod(modulus))
          .as("seed %d, addition %d", SEED, i)
          .isEqualTo(expected.mod(modulus));
    }
    assertThat(sums.value(0)).isZero();
    assertThat(sums.value(2)).isZero();
  }

  @Test
  void carriesAndBorrowsRunThroughAllLimbs() {
    FixedPoint sums = FixedPoint.zeros(3, 34, -1074);
    sums.add(1, -1, -1074);
    assertThat(sums.value(1)).isEqualTo(BigInteger.ONE.negate()); // 34 limbs of ones
    sums.add(1, 1, -1074);
    assertThat(sums.value(1)).isZero();
    sums.addUnsigned(1, -1, -1074);
    sums.addUnsigned(1, 1, -1074);
    assertThat(sums.value(1)).isEqualTo(TWO_64);
    BigInteger most = BigInteger.ONE.shiftLeft(64 * 34 - 1).subtract(BigInteger.ONE);
    FixedPoint full = FixedPoint.zeros(1, 34, -1074);
    full.add(0, most, -1074);
    assertThat(full.value(0)).isEqualTo(most);
    full.add(0, 1, -1074);
    assertThat(full.value(0)).isEqualTo(most.not()); // wraps, as two's complement does
    full.add(0, -1, -1074);
    assertThat(full.value(0)).isEqualTo(most);
    assertThat(sums.value(0)).isZero();
    assertThat(sums.value(2)).isZero();
  }

  @Test
  void bigValuesAreAddedWhole() {
    SplittableRandom random = new SplittableRandom(SEED);
    for (int i = 0; i < 2_000; i++) {
      byte[] bytes = new byte[1 + random.nextInt(40)];
      random.nextBytes(bytes);
      BigInteger value = new BigInteger(bytes);
      int exponent = random.nextInt(60) - 149;
      FixedPoint sums = FixedPoint.zeros(1, 6, -149);
      sums.add(0, value, exponent);
      assertThat(sums.value(0)).as("seed %d", SEED).isEqualTo(value.shiftLeft(exponent + 149));
    }
  }

  @Test
  void anExponentBelowTheUnitsIsFineWhereTheValueMakesUpForIt() {
    FixedPoint sums = FixedPoint.zeros(1, 6, -149);
    sums.add(0, -48, -153);
    assertThat(sums.value(0)).isEqualTo(BigInteger.valueOf(-3));
    sums.addUnsigned(0, Long.MIN_VALUE, -212);
    assertThat(sums.value(0)).isEqualTo(BigInteger.valueOf(-2));
    sums.add(0, Long.MIN_VALUE, -212);
    assertThat(sums.value(0)).isEqualTo(BigInteger.valueOf(-3));
    sums.add(0, 0, -2_000);
    sums.addUnsigned(0, 0, -213);
    assertThat(sums.value(0)).isEqualTo(BigInteger.valueOf(-3));
  }

  @ParameterizedTest
  @CsvSource({"1, -150", "24, -153", "-9223372036854775808, -213"})
  void whatIsNoMultipleOfTheUnitIsRefused(long value, int exponent) {
    FixedPoint sums = FixedPoint.zeros(1, 6, -149);
    String message = value + " * 2^" + exponent + " is no multiple of 2^-149";
    assertThatThrownBy(() -> sums.add(0, value, exponent))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> sums.addUnsigned(0, value, exponent))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage(message);
    assertThat(sums.value(0)).isZero();
  }

  @Test
  void whatLiesBeyondTheLimbsIsRefused() {
    FixedPoint sums = FixedPoint.zeros(2, 6, -149);
    sums.add(0, 1, 320 - 149); // the highest limb's lowest bit
    sums.add(0, -1, 319 - 149);
    sums.addUnsigned(0, Long.MIN_VALUE, 319 - 149); // and its bit 62
    BigInteger expected =
        BigInteger.ONE.shiftLeft(320).subtract(BigInteger.ONE.shiftLeft(319)).setBit(382);
    assertThat(sums.value(0)).isEqualTo(expected);
    assertThatThrownBy(() -> sums.add(0, 1, 384 - 149))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage("2^235 is beyond 6 limbs of 2^-149");
    assertThatThrownBy(() -> sums.addUnsigned(0, 3, 383 - 149))
        .isInstanceOf(ArithmeticException.class)
        .hasMessage("2^234 is beyond 6 limbs of 2^-149");
    assertThat(sums.value(0)).isEqualTo(expected);
    assertThat(sums.value(1)).isZero();
  }

  @Test
  void widthsMix() {
    SplittableRandom random = new SplittableRandom(SEED);
    for (int i = 0; i < 2_000; i++) {
      FixedPoint narrow = FixedPoint.zeros(2, 6, -149);
      FixedPoint wide = FixedPoint.zeros(2, 34, -1074);
      for (int k = 0; k < 3; k++) {
        narrow.add(random.nextInt(2), value(random), -149 + random.nextInt(300));
        wide.add(random.nextInt(2), value(random), -1074 + random.nextInt(2000));
      }
      FixedPoint sum = wide.copy();
      sum.addAll(narrow);
      FixedPoint same = wide.copy();
      same.addAll(narrow.widened(34, -1074));
      for (int number = 0; number < 2; number++) {
        BigInteger expected = wide.value(number).add(narrow.value(number).shiftLeft(1074 - 149));
        assertThat(sum.value(number)).as("seed %d", SEED).isEqualTo(expected);
        assertThat(same.value(number)).as("seed %d", SEED).isEqualTo(expected);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 6, 67})
  void magnitudesAreThoseOfTheValues(int limbs) {
    SplittableRandom random = new SplittableRandom(SEED);
    List<BigInteger> values = new ArrayList<>();
    BigInteger lowest = BigInteger.ONE.shiftLeft(64 * limbs - 1).negate();
    values.addAll(List.of(BigInteger.ZERO, lowest, lowest.not(), BigInteger.ONE.negate()));
    for (int i = 0; i < 2_000; i++) {
      // Runs of zeros and of ones, through which a 1 is carried.
      int shift = random.nextInt(64 * limbs - 63);
      values.add(BigInteger.valueOf(value(random)).shiftLeft(shift));
    }
    long[] into = new long[limbs];
    for (BigInteger value : values) {
      FixedPoint sums = FixedPoint.zeros(2, limbs, 0);
      sums.add(1, value, 0);
      assertThat(sums.magnitude(1, into)).as("seed %d, %s", SEED, value).isEqualTo(value.signum());
      BigInteger magnitude = BigInteger.ZERO;
      for (int i = limbs - 1; i >= 0; i--) {
        magnitude = magnitude.shiftLeft(64).add(unsigned(into[i]));
      }
      assertThat(magnitude).as("seed %d", SEED).isEqualTo(value.abs());
      assertThat(sums.magnitude(0, into)).isZero();
      assertThat(into).containsOnly(0);
    }
  }

  @Test
  void clearedNumbersAreZeros() {
    FixedPoint sums = FixedPoint.zeros(1, 6, -149);
    sums.add(0, -5, 0);
    sums.clear();
    assertThat(sums.value(0)).isZero();
  }
}
