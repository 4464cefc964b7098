package org.sparkbatchnorm.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The oracle is the definition of the formats (IEEE 754-2019, 3.4): every pattern's value as an
 * integer times a power of two, and the nearest of them found by exact subtraction.
 */
class HalfTest {
  private static final long SEED = 20240607;

  private enum Format {
    BINARY16(10, 15) {
      @Override
      float widen(int bits) {
        return Half.ofBinary16((short) bits);
      }

      @Override
      int narrow(double value) {
        return Half.toBinary16(value) & 0xffff;
      }
    },
    BFLOAT16(7, 127) {
      @Override
      float widen(int bits) {
        return Half.ofBfloat16((short) bits);
      }

      @Override
      int narrow(double value) {
        return Half.toBfloat16(value) & 0xffff;
      }
    };

    private final int significandBits;
    private final int bias;
    private final int infinity;

    Format(int significandBits, int bias) {
      this.significandBits = significandBits;
      this.bias = bias;
      this.infinity = (2 * bias + 1) << significandBits;
    }

    abstract float widen(int bits);

    abstract int narrow(double value);

    /** Value of a pattern from 0 to infinity, which stands for the first value out of range. */
    private double value(int bits) {
      int hidden = 1 << significandBits;
      int exponentField = bits >> significandBits;
      int significand = bits & (hidden - 1);
      int exponent = Math.max(exponentField, 1) - bias - significandBits;
      return (exponentField == 0 ? significand : hidden + significand) * Math.scalb(1.0, exponent);
    }

    /** The pattern nearest to a value of at least 0, ties to the even pattern. */
    private int nearest(double value) {
      if (value >= value(infinity)) {
        return infinity;
      }
      int below = 0;
      int above = infinity;
      while (above - below > 1) {
        int middle = (below + above) / 2;
        if (value(middle) <= value) {
          below = middle;
        } else {
          above = middle;
        }
      }
      BigDecimal exact = new BigDecimal(value);
      int nearer =
          exact
              .subtract(new BigDecimal(value(below)))
              .compareTo(new BigDecimal(value(above)).subtract(exact));
      if (nearer == 0) {
        return below % 2 == 0 ? below : above;
      }
      return nearer < 0 ? below : above;
    }
  }

  @ParameterizedTest
  @EnumSource
  void widensEveryPatternToItsDefinition(Format format) {
    for (int bits = 0; bits < 0x10000; bits++) {
      int magnitude = bits & 0x7fff;
      float sign = bits < 0x8000 ? 1 : -1;
      float widened = format.widen(bits);
      if (magnitude > format.infinity) {
        assertThat(widened).as("pattern %04x", bits).isNaN();
      } else if (magnitude == format.infinity) {
        assertThat(widened).as("pattern %04x", bits).isEqualTo(sign * Float.POSITIVE_INFINITY);
      } else {
        assertThat(Float.floatToRawIntBits(widened))
            .as("pattern %04x", bits)
            .isEqualTo(Float.floatToRawIntBits(sign * (float) format.value(magnitude)));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyPatternSurvivesTheRoundTrip(Format format) {
    for (int bits = 0; bits < 0x10000; bits++) {
      int back = format.narrow(format.widen(bits));
      if ((bits & 0x7fff) > format.infinity) {
        int quiet = format.infinity | 1 << (format.significandBits - 1);
        assertThat(back & 0x7fff).as("pattern %04x", bits).isEqualTo(quiet);
      } else {
        assertThat(back).as("pattern %04x", bits).isEqualTo(bits);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void roundsToNearestWithTiesToEvenAtEveryMidpoint(Format format) {
    for (int bits = 0; bits < format.infinity; bits++) {
      double midpoint = (format.value(bits) + format.value(bits + 1)) / 2;
      assertNarrows(format, midpoint, bits % 2 == 0 ? bits : bits + 1);
      assertNarrows(format, Math.nextDown(midpoint), bits);
      assertNarrows(format, Math.nextUp(midpoint), bits + 1);
      assertThat(format.nearest(midpoint)).isEqualTo(bits % 2 == 0 ? bits : bits + 1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void roundsRandomDoublesOnceWhereAFloatBetweenWouldRoundTwice(Format format) {
    SplittableRandom random = new SplittableRandom(SEED);
    for (int i = 0; i < 200_000; i++) {
      int bits = random.nextInt(format.infinity);
      double low = format.value(bits);
      double high = format.value(bits + 1);
      double anywhere = low + (high - low) * random.nextDouble();
      assertNarrows(format, anywhere, format.nearest(anywhere));
      // Nearer to the midpoint than half an ulp of a float: seen through a float it is a tie.
      double nearMidpoint =
          (low + high) / 2 * (1 + (random.nextDouble() - 0.5) * Math.pow(2, -25 - i % 25));
      assertNarrows(format, nearMidpoint, format.nearest(nearMidpoint));
    }
  }

  @ParameterizedTest
  @EnumSource
  void roundsDoublesOfAnyBitPattern(Format format) {
    SplittableRandom random = new SplittableRandom(SEED + 1);
    for (int i = 0; i < 200_000; i++) {
      double value = Math.abs(Double.longBitsToDouble(random.nextLong()));
      if (Double.isFinite(value)) {
        assertNarrows(format, value, format.nearest(value));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void overflowsToInfinityFromHalfAnUlpBeyondTheLargest(Format format) {
    double largest = format.value(format.infinity - 1);
    double limit = (largest + format.value(format.infinity)) / 2;
    assertNarrows(format, Math.nextDown(limit), format.infinity - 1);
    for (double tooLarge : new double[] {limit, Double.MAX_VALUE, Double.POSITIVE_INFINITY}) {
      assertNarrows(format, tooLarge, format.infinity);
    }
  }

  @ParameterizedTest
  @EnumSource
  void underflowsToSignedZeroUpToHalfTheSmallestSubnormal(Format format) {
    double half = format.value(1) / 2;
    for (double tooSmall : new double[] {0, Double.MIN_VALUE, Math.nextDown(half), half}) {
      assertNarrows(format, tooSmall, 0);
    }
    assertNarrows(format, Math.nextUp(half), 1);
  }

  @ParameterizedTest
  @EnumSource
  void nanStaysQuietNan(Format format) {
    double signalling = Double.longBitsToDouble(0x7ff0000000000001L);
    for (double nan : new double[] {Double.NaN, -Double.NaN, signalling}) {
      int magnitude = format.narrow(nan) & 0x7fff;
      assertThat(magnitude).isEqualTo(format.infinity | 1 << (format.significandBits - 1));
    }
  }

  private static void assertNarrows(Format format, double value, int expected) {
    int narrowed = format.narrow(value);
    int negated = format.narrow(-value);
    if (narrowed != expected || negated != (expected | 0x8000)) {
      throw new AssertionError(
          String.format(
              "%s of %s (%s, seed %d): expected %04x, but was %04x, and %04x for its negative",
              format, value, Double.toHexString(value), SEED, expected, narrowed, negated));
    }
  }
}
