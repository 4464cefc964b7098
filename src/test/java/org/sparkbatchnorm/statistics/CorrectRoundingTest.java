package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Half;

/**
 * The oracle is the definition of "nearest, ties to even" (IEEE 754-2019, 4.3.1), by comparing: the
 * rational must lie between the midpoints to both neighbours of the result, and on a midpoint only
 * if the result is even.
 */
class CorrectRoundingTest {
  private static final long SEED = 754_2019;
  private static final int TRIALS = 50_000; // for each of four types

  /** A target as a sequence of non-negative values, numbered in order; the last is infinity. */
  private enum Format {
    BINARY64(DType.F64, 0x7ff0_0000_0000_0000L) {
      @Override
      double value(long bits) {
        return Double.longBitsToDouble(bits);
      }

      @Override
      long bits(double value) {
        return Double.doubleToRawLongBits(value);
      }
    },
    BINARY32(DType.F32, 0x7f80_0000) {
      @Override
      double value(long bits) {
        return Float.intBitsToFloat((int) bits);
      }

      @Override
      long bits(double value) {
        return Float.floatToRawIntBits((float) value);
      }
    },
    BINARY16(DType.F16, 0x7c00) {
      @Override
      double value(long bits) {
        return Half.ofBinary16((short) bits);
      }

      @Override
      long bits(double value) {
        return Half.toBinary16(value);
      }
    },
    BFLOAT16(DType.BF16, 0x7f80) {
      @Override
      double value(long bits) {
        return Half.ofBfloat16((short) bits);
      }

      @Override
      long bits(double value) {
        return Half.toBfloat16(value);
      }
    };

    private final DType dtype;
    private final long infinity;

    Format(DType dtype, long infinity) {
      this.dtype = dtype;
      this.infinity = infinity;
    }

    /** Of a finite value, or infinity. */
    abstract double value(long bits);

    abstract long bits(double value);

    /** Infinity stands for the first value out of range, as rounding takes it. */
    BigDecimal exact(long bits) {
      if (bits < infinity) {
        return new BigDecimal(value(bits));
      }
      BigDecimal largest = new BigDecimal(value(infinity - 1));
      return largest.add(largest.subtract(new BigDecimal(value(infinity - 2))));
    }

    double round(BigInteger numerator, BigInteger denominator, int exponent) {
      return CorrectRounding.to(dtype).round(numerator, denominator, exponent);
    }

    /** A number of a value of the format, more often an extreme one. */
    long anyBits(SplittableRandom random) {
      return switch (random.nextInt(8)) {
        case 0 -> random.nextInt(4);
        case 1 -> infinity - 1 - random.nextInt(4);
        case 2 -> bits(Math.scalb(1.0, -14)) - 3 + random.nextInt(6); // binary16's subnormals end
        case 3 -> random.nextLong(infinity) >>> random.nextInt(20);
        default -> random.nextLong(infinity);
      };
    }
  }

  private static final BigDecimal TWO = BigDecimal.valueOf(2);

  /** numerator / denominator * 2^exponent compared with a sum of two values of a format, halved. */
  private static int compareWithMidpoint(
      BigInteger numerator, BigInteger denominator, int exponent, BigDecimal a, BigDecimal b) {
    BigDecimal left = new BigDecimal(numerator).multiply(TWO);
    BigDecimal right = a.add(b).multiply(new BigDecimal(denominator));
    return exponent >= 0
        ? left.multiply(TWO.pow(exponent)).compareTo(right)
        : left.compareTo(right.multiply(TWO.pow(-exponent)));
  }

  private static void check(
      Format format, BigInteger numerator, BigInteger denominator, int exponent) {
    double rounded = format.round(numerator, denominator, exponent);
    String what =
        "seed "
            + SEED
            + ": "
            + numerator
            + " / "
            + denominator
            + " * 2^"
            + exponent
            + ", "
            + format;
    long bits = format.bits(rounded);
    assertThat(format.value(bits)).as(what).isEqualTo(rounded); // is a value of the format
    assertThat(bits).as(what).isBetween(0L, format.infinity);
    boolean odd = (bits & 1) == 1;
    BigDecimal value = format.exact(bits);
    if (bits > 0) {
      int low =
          compareWithMidpoint(numerator, denominator, exponent, format.exact(bits - 1), value);
      assertThat(low).as(what).isGreaterThanOrEqualTo(odd ? 1 : 0);
    }
    if (bits < format.infinity) {
      int high =
          compareWithMidpoint(numerator, denominator, exponent, value, format.exact(bits + 1));
      assertThat(high).as(what).isLessThanOrEqualTo(odd ? -1 : 0);
    }
    assertThat(format.round(numerator.negate(), denominator, exponent))
        .as(what)
        .isEqualTo(numerator.signum() == 0 ? 0.0 : -rounded);
  }

  private static BigInteger integer(SplittableRandom random, int mostBytes) {
    byte[] bytes = new byte[1 + random.nextInt(mostBytes)];
    random.nextBytes(bytes);
    BigInteger value = new BigInteger(1, bytes);
    return random.nextInt(4) == 0 ? value.shiftLeft(random.nextInt(100)) : value;
  }

  /** Rationals of all sizes around the format's range, and such as lie on or beside a midpoint. */
  @ParameterizedTest
  @EnumSource
  void roundsToTheNearest(Format format) {
    SplittableRandom random = new SplittableRandom(SEED);
    int range = format == Format.BINARY64 ? 1_100 : format == Format.BINARY16 ? 30 : 160;
    for (int i = 0; i < TRIALS; i++) {
      BigInteger denominator = integer(random, 16).add(BigInteger.ONE);
      if (i % 2 == 0) {
        BigInteger numerator = integer(random, 24);
        int scale = denominator.bitLength() - numerator.bitLength();
        check(format, numerator, denominator, scale + random.nextInt(2 * range) - range);
      } else {
        long bits = format.anyBits(random);
        BigDecimal midpoint = format.exact(bits).add(format.exact(bits + 1));
        BigInteger units = midpoint.multiply(TWO.pow(1_075)).toBigIntegerExact();
        BigInteger numerator = units.multiply(denominator);
        BigInteger beside = numerator.add(BigInteger.valueOf(random.nextInt(3) - 1));
        check(format, beside.signum() < 0 ? numerator : beside, denominator, -1_076);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void theEndsOfTheRangeRoundAsTheyMust(Format format) {
    BigInteger one = BigInteger.ONE;
    for (long bits : new long[] {0, 1, 2, format.infinity - 2, format.infinity - 1}) {
      BigDecimal midpoint = format.exact(bits).add(format.exact(bits + 1));
      BigInteger units = midpoint.multiply(TWO.pow(1_075)).toBigIntegerExact();
      for (int step = -1; step <= 1; step++) {
        check(format, units.add(BigInteger.valueOf(step)), one, -1_076);
      }
    }
    BigInteger units = format.exact(format.infinity).multiply(TWO.pow(1_074)).toBigIntegerExact();
    assertThat(format.round(units, one, -1_074)).isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(format.round(one.negate(), one, 5_000)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(Double.doubleToRawLongBits(format.round(BigInteger.ZERO, one, 5_000))).isZero();
    assertThat(Double.doubleToRawLongBits(format.round(one, one, -5_000))).isZero();
    assertThat(Double.doubleToRawLongBits(format.round(one.negate(), one, -5_000)))
        .isEqualTo(Long.MIN_VALUE); // -0.0
  }

  /** -(2^k - 1): in two's complement a 1 far down and ones above; as a magnitude, all ones. */
  @ParameterizedTest
  @EnumSource
  void aSignificandOfOnesRoundsUpToThePowerOfTwo(Format format) {
    for (int k = 1; k <= 400; k++) {
      BigInteger ones = BigInteger.ONE.shiftLeft(k).subtract(BigInteger.ONE);
      for (int exponent : new int[] {-k - 20, -k, 3 - k}) {
        check(format, ones, BigInteger.ONE, exponent);
        check(format, ones, BigInteger.valueOf(3), exponent);
      }
    }
    BigInteger ones = BigInteger.ONE.shiftLeft(384).subtract(BigInteger.ONE).negate();
    assertThat(format.round(ones, BigInteger.ONE, -384)).isEqualTo(-1.0);
  }

  /** To float through double would give 1.0: first onto the midpoint, then to even. */
  @Test
  void roundsOnce() {
    BigInteger numerator =
        BigInteger.ONE.shiftLeft(80).add(BigInteger.ONE.shiftLeft(56)).add(BigInteger.ONE);
    double toDouble = CorrectRounding.to(DType.F64).round(numerator, BigInteger.ONE, -80);
    assertThat((float) toDouble).isEqualTo(1.0f);
    assertThat(CorrectRounding.to(DType.F32).round(numerator, BigInteger.ONE, -80))
        .isEqualTo(0x1.000002p0);
  }

  @Test
  void onlyFloatingPointTypesAreTargets() {
    assertThatThrownBy(() -> CorrectRounding.to(DType.I32))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("cannot round to I32: not a floating-point type");
  }
}
