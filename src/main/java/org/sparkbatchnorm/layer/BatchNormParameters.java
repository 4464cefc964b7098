package org.sparkbatchnorm.layer;

import java.util.Arrays;
import java.util.Optional;

/**
 * All that BatchNorm's evaluation needs of one layer of C channels (arXiv 1502.03167, Algorithm 2,
 * line 11):
 *
 * <pre>{@code y = gamma * (x - mean) / sqrt(variance + epsilon) + beta}</pre>
 *
 * <p>Immutable. gamma and beta are optional (1 and 0 where absent). {@link #of} refuses what has no
 * evaluation: a negative or NaN variance, a negative or non-finite epsilon, lengths that differ,
 * variance + epsilon = 0. An infinite variance is a value like any other (it makes y equal beta),
 * and NaN or infinite means, gammas and betas propagate.
 */
public final class BatchNormParameters {
  private final double[] mean;
  private final double[] variance;
  private final double[] gamma;
  private final double[] beta;
  private final double epsilon;

  private BatchNormParameters(
      double[] mean, double[] variance, double[] gamma, double[] beta, double epsilon) {
    this.mean = mean;
    this.variance = variance;
    this.gamma = gamma;
    this.beta = beta;
    this.epsilon = epsilon;
  }

  /**
   * Parameters without scale and shift.
   *
   * @param mean one per channel
   * @param variance one per channel, at least 0
   * @param epsilon added to the variance, at least 0
   * @throws IllegalArgumentException if the lengths differ, a variance is negative or NaN, epsilon
   *     is negative or not finite, or variance + epsilon is 0; the message names the channel
   */
  public static BatchNormParameters of(double[] mean, double[] variance, double epsilon) {
    if (!(epsilon >= 0) || Double.isInfinite(epsilon)) {
      throw new IllegalArgumentException(
          "epsilon is " + epsilon + ", but must be finite and at least 0");
    }
    requireChannels("variance", variance, mean.length);
    for (int channel = 0; channel < variance.length; channel++) {
      if (!(variance[channel] >= 0)) {
        throw new IllegalArgumentException(
            "running variance of channel "
                + channel
                + " is "
                + variance[channel]
                + ", but must be at least 0");
      }
      if (variance[channel] + epsilon == 0) {
        throw new IllegalArgumentException(
            "running variance and epsilon of channel " + channel + " are both 0");
      }
    }
    return new BatchNormParameters(mean.clone(), variance.clone(), null, null, epsilon);
  }

  /**
   * The same with a scale.
   *
   * @throws IllegalArgumentException if there is not one for each channel
   */
  public BatchNormParameters withGamma(double[] newGamma) {
    requireChannels("gamma", newGamma, mean.length);
    return new BatchNormParameters(mean, variance, newGamma.clone(), beta, epsilon);
  }

  /**
   * The same with a shift.
   *
   * @throws IllegalArgumentException if there is not one for each channel
   */
  public BatchNormParameters withBeta(double[] newBeta) {
    requireChannels("beta", newBeta, mean.length);
    return new BatchNormParameters(mean, variance, gamma, newBeta.clone(), epsilon);
  }

  private static void requireChannels(String what, double[] values, int channels) {
    if (values.length != channels) {
      throw new IllegalArgumentException(
          what + " has " + values.length + " channels, but the running mean has " + channels);
    }
  }

  /** C. */
  public int channels() {
    return mean.length;
  }

  /** Running means; a fresh array. */
  public double[] mean() {
    return mean.clone();
  }

  /** Running variances; a fresh array. */
  public double[] variance() {
    return variance.clone();
  }

  /** Scales, if the layer has them; a fresh array. */
  public Optional<double[]> gamma() {
    return Optional.ofNullable(gamma).map(double[]::clone);
  }

  /** Shifts, if the layer has them; a fresh array. */
  public Optional<double[]> beta() {
    return Optional.ofNullable(beta).map(double[]::clone);
  }

  /** What is added to the variance. */
  public double epsilon() {
    return epsilon;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof BatchNormParameters that
        && Arrays.equals(mean, that.mean)
        && Arrays.equals(variance, that.variance)
        && Arrays.equals(gamma, that.gamma)
        && Arrays.equals(beta, that.beta)
        && epsilon == that.epsilon;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(mean) * 31 + Arrays.hashCode(variance);
  }
}
