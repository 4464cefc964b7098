package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
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
@ParameterizedClass
@EnumSource(Kernel.class)
class BatchNormAccuracyTest {
  @Parameter private Kernel kernel;

  private static final long SEED = 7_919;
  private static final int CASES = 1_000;

  /** Lengths of a channel's run: 1 and more go through different loops. */
  private static final int[] BOTH_LOOPS = {1, 2};

  private static final BigDecimal HALF = new BigDecimal("0.5");
  private static final BigDecimal TWO_TO_25 = BigDecimal.valueOf(1 << 25);

  /** A layer of {@link #CASES} channels and one row of input for it. */
  private static final class Cases {
    private final double[] x = new double[CASES];
    private final double[] mean = new double[CASES];
    private final double[] variance = new double[CASES];
    private final double[] gamma = new double[CASES];
    private final double[] beta = new double[CASES];
    private final double epsilon;

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
      epsilon = scales.epsilon();
    }

    BatchNorm eval(Kernel kernel) {
      return BatchNorm.eval(
          BatchNormParameters.of(mean, variance, epsilon).withGamma(gamma).withBeta(beta),
          kernel.kernels());
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
    for (int inner : BOTH_LOOPS) {
      float[] x = new float[CASES * inner];
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) cases.x[i / inner];
      }
      float[] output = new float[x.length];
      cases.eval(kernel).apply(x, output, Shape.of(1, CASES, inner), ChannelLayout.NCL);
      int cancelled = 0;
      for (int i = 0; i < x.length; i++) {
        ExactEvaluation exact = cases.exact(x[i], i / inner);
        String description = cases.describe(i / inner);
        BigDecimal y = exact.value();
        BigDecimal ulp = ExactEvaluation.ulp(y, 23, -126);
        BigDecimal bound = ulp.multiply(HALF).add(exact.slack()).add(exact.roundingOfSum());
        assertWithin(bound, output[i], y, 0x1.ffffffp127, description);
        if (exact.normalized().abs().compareTo(y.abs().multiply(TWO_TO_25)) <= 0) {
          assertWithin(ulp, output[i], y, Float.MAX_VALUE, description);
        } else {
          cancelled++;
        }
      }
      if (scales == Scales.BETA_CANCELS) {
        assertThat(cancelled).as("cases of both kinds").isBetween(x.length / 10, x.length * 9 / 10);
      } else {
        assertThat(cancelled).as("cases left out").isZero();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void aDoubleIsWithinItsStatedBound(Scales scales) {
    Cases cases = new Cases(scales);
    for (int inner : BOTH_LOOPS) {
      double[] x = new double[CASES * inner];
      Arrays.setAll(x, i -> cases.x[i / inner]);
      double[] output = new double[x.length];
      cases.eval(kernel).apply(x, output, Shape.of(1, CASES, inner), ChannelLayout.NCL);
      for (int i = 0; i < x.length; i++) {
        ExactEvaluation exact = cases.exact(x[i], i / inner);
        String description = cases.describe(i / inner);
        BigDecimal y = exact.value();
        BigDecimal ulp = ExactEvaluation.ulp(y, 52, -1022);
        BigDecimal bound = ulp.multiply(HALF).add(exact.slack());
        assertWithin(bound, output[i], y, Double.MAX_VALUE, description);
        if (exact.normalized().abs().compareTo(y.abs()) <= 0) {
          BigDecimal fiveAndAHalf = ulp.multiply(new BigDecimal("5.5"));
          assertWithin(fiveAndAHalf, output[i], y, Double.MAX_VALUE, description);
        }
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
      cases.eval(kernel).apply(TensorBlock.whole(dtype, input, view), output);
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
