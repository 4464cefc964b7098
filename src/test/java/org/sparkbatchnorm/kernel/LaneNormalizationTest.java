package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Half;

/**
 * The vector kernel's bits are the scalar kernel's: around the lane count, the tile and the longest
 * cycle, from any place to any other, in place and not, and nowhere besides.
 */
class LaneNormalizationTest {
  private static final long SEED = 27_644_437;
  private static final int[] LENGTHS = {1, 2, 3, 7, 8, 9, 15, 16, 17, 24, 49, 63, 64, 65, 130};

  private static ChannelParameters parameters(int channels, SplittableRandom random) {
    return ChannelParameters.of(
        random.doubles(channels, -1, 1).toArray(),
        random.doubles(channels, 0, 2).toArray(),
        1e-5,
        Optional.of(random.doubles(channels, -2, 2).toArray()),
        Optional.of(random.doubles(channels, -1, 1).toArray()));
  }

  static Stream<Arguments> views() {
    Stream<Arguments> small =
        Arrays.stream(LENGTHS)
            .boxed()
            .flatMap(
                channels ->
                    Arrays.stream(LENGTHS).mapToObj(inner -> Arguments.of(channels, inner)));
    Stream<Arguments> large =
        Stream.of(
            Arguments.of(509, 1),
            Arguments.of(1000, 1),
            Arguments.of(2048, 1),
            Arguments.of(4096, 1),
            Arguments.of(4097, 1),
            Arguments.of(5000, 1),
            Arguments.of(8192, 1),
            Arguments.of(500, 7),
            Arguments.of(600, 15),
            Arguments.of(2, 10_000));
    return Stream.concat(small, large);
  }

  @ParameterizedTest
  @MethodSource("views")
  void floatsAndDoubles(int channels, int inner) {
    SplittableRandom random = new SplittableRandom(SEED);
    ChannelView view = new ChannelView(1000, channels, inner);
    ChannelParameters parameters = parameters(channels, random);
    Normalization vector = Kernel.VECTOR.kernels().normalization(parameters);
    Normalization scalar = Kernel.SCALAR.kernels().normalization(parameters);
    int period = channels * inner;
    for (int i = 0; i < 12; i++) {
      int n = random.nextInt(1 + Math.min(3 * period + 300, 20_000));
      int from = random.nextInt(20);
      int to = from + n;
      long first = random.nextLong(view.elements() - n);
      String what = String.format("%s, %d from %d, seed %d", view, n, first, SEED);
      double[] doubles = random.doubles(to + 20, -3, 3).toArray();
      float[] floats = new float[doubles.length];
      for (int k = 0; k < floats.length; k++) {
        floats[k] = (float) doubles[k];
      }
      float[] expectedFloats = floats.clone();
      scalar.apply(floats, expectedFloats, from, to, view, first);
      float[] foundFloats = floats.clone();
      vector.apply(floats, foundFloats, from, to, view, first);
      assertThat(foundFloats).as(what).isEqualTo(expectedFloats);
      vector.apply(floats, floats, from, to, view, first);
      assertThat(floats).as(what).isEqualTo(expectedFloats);

      double[] expectedDoubles = doubles.clone();
      scalar.apply(doubles, expectedDoubles, from, to, view, first);
      double[] foundDoubles = doubles.clone();
      vector.apply(doubles, foundDoubles, from, to, view, first);
      assertThat(foundDoubles).as(what).isEqualTo(expectedDoubles);
      vector.apply(doubles, doubles, from, to, view, first);
      assertThat(doubles).as(what).isEqualTo(expectedDoubles);
    }
  }

  /** A layer sees arrays of one shape after the other. */
  @Test
  void theNextArrayMayHaveAnotherShape() {
    SplittableRandom random = new SplittableRandom(SEED);
    ChannelParameters parameters = parameters(5, random);
    Normalization vector = Kernel.VECTOR.kernels().normalization(parameters);
    Normalization scalar = Kernel.SCALAR.kernels().normalization(parameters);
    float[] x = new float[900];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextDouble();
    }
    for (int inner : new int[] {1, 4, 1, 9, 4, 60}) {
      ChannelView view = new ChannelView(900, 5, inner);
      float[] expected = new float[900];
      float[] found = new float[900];
      scalar.apply(x, expected, 0, 900, view, 0);
      vector.apply(x, found, 0, 900, view, 0);
      assertThat(found).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void every16BitValueIsWidened(DType half) {
    short[] bits = new short[65_536 + 3];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = (short) i;
    }
    double[] expected = new double[bits.length];
    double[] found = new double[bits.length];
    Kernel.SCALAR.kernels().normalization(one()).widen(half, bits, expected, bits.length);
    Kernel.VECTOR.kernels().normalization(one()).widen(half, bits, found, bits.length);
    assertThat(found).isEqualTo(expected);
  }

  private static ChannelParameters one() {
    return parameters(1, new SplittableRandom(SEED));
  }

  /** Each value of the type, the middle to the next one, and both doubles beside each. */
  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void everyTieIsNarrowedToTheEvenOne(DType half) {
    double[] values = new double[6 * 65_536];
    for (int i = 0; i < 65_536; i++) {
      double value = value(half, i);
      double next = value(half, i + 1);
      double middle = Double.isInfinite(next) ? value * (1 + 0x1p-9) : value / 2 + next / 2;
      values[6 * i] = value;
      values[6 * i + 1] = Math.nextUp(value);
      values[6 * i + 2] = Math.nextDown(value);
      values[6 * i + 3] = middle;
      values[6 * i + 4] = Math.nextUp(middle);
      values[6 * i + 5] = Math.nextDown(middle);
    }
    assertNarrowedAlike(half, values);
  }

  private static double value(DType half, int bits) {
    return half == DType.F16 ? Half.ofBinary16((short) bits) : Half.ofBfloat16((short) bits);
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void anyDoubleIsNarrowed(DType half) {
    SplittableRandom random = new SplittableRandom(SEED);
    double[] values = new double[200_001];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          i % 2 == 0
              ? Double.longBitsToDouble(random.nextLong())
              : Math.scalb(random.nextDouble() - 0.5, random.nextInt(-140, 140));
    }
    assertNarrowedAlike(half, values);
  }

  private static void assertNarrowedAlike(DType half, double[] values) {
    short[] expected = new short[values.length];
    short[] found = new short[values.length];
    Kernel.SCALAR.kernels().normalization(one()).narrow(half, values, expected, values.length);
    Kernel.VECTOR.kernels().normalization(one()).narrow(half, values, found, values.length);
    for (int i = 0; i < values.length; i++) {
      assertThat(found[i]).as("%s, seed %d", values[i], SEED).isEqualTo(expected[i]);
    }
  }
}
