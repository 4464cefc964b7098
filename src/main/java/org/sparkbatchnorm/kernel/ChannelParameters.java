package org.sparkbatchnorm.kernel;

import java.util.Arrays;
import java.util.Optional;

/**
 * What normalization needs of each channel: {@code y = (x - mean) * scale + beta}. Immutable; the
 * arrays are shared inside this room, which leaves them as they are.
 */
final class ChannelParameters {
  final double[] mean;
  final double[] scale;
  final double[] beta;

  private ChannelParameters(double[] mean, double[] scale, double[] beta) {
    this.mean = mean;
    this.scale = scale;
    this.beta = beta;
  }

  /**
   * Parameters of a layer; keeps the arrays.
   *
   * @throws IllegalArgumentException if {@code gamma / sqrt(variance + epsilon)} overflows
   */
  static ChannelParameters of(
      double[] mean,
      double[] variance,
      double epsilon,
      Optional<double[]> gamma,
      Optional<double[]> beta) {
    return new ChannelParameters(
        mean,
        scale(gamma.orElseGet(() -> constant(1, mean.length)), variance, epsilon),
        beta.orElseGet(() -> constant(0, mean.length)));
  }

  /**
   * One multiplier per channel, decided once.
   *
   * <p>Why a float is then within 1 ulp. A double operation has a relative error of at most u =
   * 2^-53. The scale: u from the sum, halved by the square root, u from the square root, u from the
   * division, together 2.5u. The difference x - mean: u, since both are exact. Their product: u
   * more, 4.5u in all, and less than 5u with the terms in u^2. Adding beta: u|y| more. So the
   * double before the last rounding is within 5u|p| + u|y| of y, and the last rounding adds half an
   * ulp of a float. An ulp of a float is at least 2^-24 |y|, so all is within 1 ulp while 5u|p| +
   * u|y| <= 2^-25 |y|, for which |p| <= 2^25 |y| is enough: 5 * 2^-28 + 2^-53 < 2^-25. Nothing
   * overflows on the way: float parameters have |x - mean| <= 2^129, |scale| <= 2^128 / 2^-75; what
   * underflows is below 2^-1022, nothing beside a float's smallest ulp of 2^-149.
   */
  private static double[] scale(double[] gamma, double[] variance, double epsilon) {
    double[] scale = new double[gamma.length];
    for (int channel = 0; channel < scale.length; channel++) {
      scale[channel] = gamma[channel] / Math.sqrt(variance[channel] + epsilon);
      if (Double.isInfinite(scale[channel]) && Double.isFinite(gamma[channel])) {
        throw new IllegalArgumentException(
            "scale of channel "
                + channel
                + " exceeds a double: gamma "
                + gamma[channel]
                + ", variance "
                + variance[channel]
                + ", epsilon "
                + epsilon);
      }
    }
    return scale;
  }

  private static double[] constant(double value, int length) {
    double[] values = new double[length];
    Arrays.fill(values, value);
    return values;
  }

  /** C. */
  int channels() {
    return mean.length;
  }

  /**
   * Each channel's parameters so often in a row.
   *
   * @param times 1 or more; C times it below 2^31
   */
  ChannelParameters repeated(int times) {
    return times == 1
        ? this
        : new ChannelParameters(
            repeated(mean, times), repeated(scale, times), repeated(beta, times));
  }

  private static double[] repeated(double[] values, int times) {
    double[] repeated = new double[values.length * times];
    for (int i = 0; i < repeated.length; i++) {
      repeated[i] = values[i / times];
    }
    return repeated;
  }

  /** The parameters of all channels, from the first on again after the last, up to this length. */
  ChannelParameters cycled(int length) {
    return new ChannelParameters(cycled(mean, length), cycled(scale, length), cycled(beta, length));
  }

  private static double[] cycled(double[] values, int length) {
    double[] cycled = new double[length];
    for (int i = 0; i < length; i++) {
      cycled[i] = values[i % values.length];
    }
    return cycled;
  }
}
