package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;
import org.sparkbatchnorm.tensor.TensorBlock;

/** The bounds that {@link BatchNorm} states, over layers of one case per channel. */
class BatchNormAccuracyTest {
  private static final long SEED = 7_919;
  private static final int CASES = 1_000;
  private static final BigDecimal HALF = new BigDecimal("0.5");
  private static final BigDecimal TWO_TO_25 = BigDecimal.valueOf(1 << 25);

  /** Where the numbers of a case lie: x, mean, variance, gamma, beta; and the layer's epsilon. */
  private enum Scales {
    ORDINARY(1e-5) {
      @Override
      double[] draw(RandomGenerator r) {
        double x = 3 * r.nextGaussian();
        return new double[] {x, r.nextGaussian(), r.nextDouble(), r.nextGaussian(), 2};
      }
    },
    WITHOUT_SHIFT(1e-3) {
      @Override
      double[] draw(RandomGenerator r) {
        double x = 100 * r.nextGaussian();
        return new double[] {x, r.nextGaussian(), r.nextDouble(), 1, 0};
      }
    },
    LARGE_MEAN_SMALL_VARIANCE(1e-5) {
      @Override
      double[] draw(RandomGenerator r) {
        return new double[] {1e4 + 1e-2 * r.nextGaussian(), 1e4, 1e-4, r.nextDouble(), 0.1};
      }
    },
    HUGE_MEAN(1e-5) {
      @Override
      double[] draw(RandomGenerator r) {
        double mean = r.nextGaussian() * 1e37;
        double x = mean * r.nextDouble();
        return new double[] {x, mean, r.nextDouble() * 1e36, r.nextGaussian(), 1e3};
      }
    },
    MEAN_WITHIN_ULPS_OF_X(1e-12) {
      @Override
      double[] draw(RandomGenerator r) {
        float x = (float) (r.nextGaussian() * Math.pow(10, r.nextInt(-6, 7)));
        double mean = x + Math.ulp(x) * r.nextInt(-3, 4) + Math.ulp((double) x) * r.nextInt(-3, 4);
        return new double[] {x, mean, Math.abs(x) * 1e-8, 1, 0};
      }
    },
    SUBNORMAL(1e-5) {
      @Override
      double[] draw(RandomGenerator r) {
        return new double[] {
          subnormal(r), subnormal(r), subnormal(r), 1e10 * r.nextGaussian(), subnormal(r)
        };
      }
    },
    SUBNORMAL_VARIANCE_AND_EPSILON(1e-40) {
      @Override
      double[] draw(RandomGenerator r) {
        return new double[] {subnormal(r), subnormal(r), subnormal(r), 1e-20, subnormal(r)};
      }
    },
    ANY_FLOATS(1e-5) {
      @Override
      double[] draw(RandomGenerator r) {
        return new double[] {
          anyFloat(r), anyFloat(r), Math.abs(anyFloat(r)), anyFloat(r), anyFloat(r)
        };
      }
    },
    BETA_CANCELS(1e-5) {
      @Override
      double[] draw(RandomGenerator r) {
        float x = (float) r.nextGaussian();
        double nearly = 1 + r.nextGaussian() * Math.pow(2, -r.nextInt(50));
        double minusP = -3 * (x - 0.25) / Math.sqrt(0.5 + 1e-5);
        return new double[] {x, 0.25, 0.5, 3, minusP * nearly};
      }
    };

    private final double epsilon;

    Scales(double epsilon) {
      this.epsilon = epsilon;
    }

    abstract double[] draw(RandomGenerator random);

    private static float anyFloat(RandomGenerator random) {
      float any = Float.intBitsToFloat(random.nextInt());
      return Float.isFinite(any) ? any : anyFloat(random);
    }

    private static double subnormal(RandomGenerator random) {
      return Float.MIN_VALUE * (double) random.nextInt(1 << random.nextInt(24));
    }
  }

  /** A layer of {@link #CASES} channels and one row of input for it. */
  private static final class Cases {
    private final double[] x = new double[CASES];
    private final double[] mean = new double[CASES];
    private final double[] variance = new double[CASES];
    private final double[] gamma = new double[CASES];
    private final double[] beta = new double[CASES];
    private final double epsilon;
    private final Shape shape = Shape.of(1, CASES);

    Cases(Scales scales) {
      SplittableRandom random = new SplittableRandom(SEED);
      for (int i = 0; i < CASES; i++) {
        double[] drawn = scales.draw(random);
        x[i] = drawn[0];
        mean[i] = drawn[1];
        variance[i] = drawn[2];
        gamma[i] = drawn[3];
        beta[i] = drawn[4];
      }
      epsilon = scales.epsilon;
    }

    BatchNorm eval() {
      return BatchNorm.eval(
          BatchNormParameters.of(mean, variance, epsilon).withGamma(gamma).withBeta(beta));
    }

    ExactEvaluation exact(double input, int i) {
      return new ExactEvaluation(input, mean[i], variance[i], gamma[i], beta[i], epsilon);
    }

    String describe(int i) {
      return String.format(
          "seed %d, case %d: x %s, mean %s, variance %s, gamma %s, beta %s, epsilon %s",
          SEED, i, x[i], mean[i], variance[i], gamma[i], beta[i], epsilon);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFloatIsWithinOneUlpUnlessBetaCancels(Scales scales) {
    Cases cases = new Cases(scales);
    float[] x = new float[CASES];
    for (int i = 0; i < CASES; i++) {
      x[i] = (float) cases.x[i];
    }
    float[] output = new float[CASES];
    cases.eval().apply(x, output, cases.shape, ChannelLayout.NC);
    int cancelled = 0;
    for (int i = 0; i < CASES; i++) {
      ExactEvaluation exact = cases.exact(x[i], i);
      BigDecimal y = exact.value();
      BigDecimal p = exact.normalized();
      BigDecimal ulp = ExactEvaluation.ulp(y, 23, -126);
      BigDecimal bound = ulp.multiply(HALF).add(exact.slack()).add(exact.roundingOfSum());
      assertWithin(bound, output[i], y, 0x1.ffffffp127, cases.describe(i));
      if (p.abs().compareTo(y.abs().multiply(TWO_TO_25)) <= 0) {
        assertWithin(ulp, output[i], y, Float.MAX_VALUE, cases.describe(i));
      } else {
        cancelled++;
      }
    }
    if (scales == Scales.BETA_CANCELS) {
      assertThat(cancelled).as("cases of both kinds").isBetween(CASES / 10, CASES * 9 / 10);
    } else {
      assertThat(cancelled).as("cases left out").isZero();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aDoubleIsWithinItsStatedBound(Scales scales) {
    Cases cases = new Cases(scales);
    double[] output = new double[CASES];
    cases.eval().apply(cases.x, output, cases.shape, ChannelLayout.NC);
    for (int i = 0; i < CASES; i++) {
      ExactEvaluation exact = cases.exact(cases.x[i], i);
      BigDecimal y = exact.value();
      BigDecimal ulp = ExactEvaluation.ulp(y, 52, -1022);
      BigDecimal bound = ulp.multiply(HALF).add(exact.slack());
      assertWithin(bound, output[i], y, Double.MAX_VALUE, cases.describe(i));
      if (exact.normalized().abs().compareTo(y.abs()) <= 0) {
        BigDecimal fiveAndAHalf = ulp.multiply(new BigDecimal("5.5"));
        assertWithin(fiveAndAHalf, output[i], y, Double.MAX_VALUE, cases.describe(i));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void halfPrecisionIsRoundedOnceFromTheDouble(DType dtype) {
    int significandBits = dtype == DType.F16 ? 10 : 7;
    int minExponent = dtype == DType.F16 ? -14 : -126;
    double overflow = dtype == DType.F16 ? 65520 : 0x1.ffp127;
    for (Scales scales : Scales.values()) {
      Cases cases = new Cases(scales);
      ByteBuffer input = ByteBuffer.allocate(2 * CASES);
      Elements.encode(dtype, cases.x, CASES, input);
      double[] x = new double[CASES];
      Elements.decode(dtype, input.flip(), x, CASES);
      ByteBuffer output = ByteBuffer.allocate(2 * CASES);
      ChannelView view = new ChannelView(1, CASES, 1);
      cases.eval().apply(TensorBlock.whole(dtype, input, view), output);
      double[] narrowed = new double[CASES];
      Elements.decode(dtype, output.flip(), narrowed, CASES);
      for (int i = 0; i < CASES; i++) {
        if (Double.isInfinite(x[i])) {
          continue; // too large for the type
        }
        ExactEvaluation exact = cases.exact(x[i], i);
        BigDecimal y = exact.value();
        BigDecimal bound =
            ExactEvaluation.ulp(y, significandBits, minExponent)
                .multiply(HALF)
                .add(exact.slack())
                .add(exact.roundingOfSum());
        assertWithin(bound, narrowed[i], y, overflow, scales + ", " + cases.describe(i));
      }
    }
  }

  /**
   * Checks a distance, or, of an infinite result, that y reaches what rounds to infinity.
   *
   * @param overflow where that begins
   */
  private static void assertWithin(
      BigDecimal bound, double computed, BigDecimal y, double overflow, String description) {
    boolean within =
        Double.isInfinite(computed)
            ? y.abs().add(bound).compareTo(new BigDecimal(overflow)) > 0
                && y.signum() == Math.signum(computed)
            : new BigDecimal(computed).subtract(y).abs().compareTo(bound) <= 0;
    if (!within) {
      throw new AssertionError(
          description + ": y is " + y + ", computed " + computed + ", more than " + bound + " off");
    }
  }
}
