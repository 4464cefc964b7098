package org.sparkbatchnorm.layer;

import java.util.Arrays;

/**
 * What an estimator makes of one layer's moments: a mean and a variance for each of C channels, and
 * how many mini-batches they were seen in ({@code num_batches_tracked}). Immutable; NaN marks a
 * channel whose non-finite values were propagated.
 */
public final class RunningStatistics {
  private final double[] mean;
  private final double[] variance;
  private final long miniBatches;

  private RunningStatistics(double[] mean, double[] variance, long miniBatches) {
    this.mean = mean;
    this.variance = variance;
    this.miniBatches = miniBatches;
  }

  /**
   * Statistics of {@code mean.length} channels.
   *
   * @param mean one per channel
   * @param variance one per channel
   * @param miniBatches number of mini-batches, 0 or more
   * @throws IllegalArgumentException if the lengths differ or the number of mini-batches is
   *     negative
   */
  public static RunningStatistics of(double[] mean, double[] variance, long miniBatches) {
    if (mean.length != variance.length) {
      throw new IllegalArgumentException(
          mean.length + " means, but " + variance.length + " variances");
    }
    if (miniBatches < 0) {
      throw new IllegalArgumentException(
          "number of mini-batches is " + miniBatches + ", but must be at least 0");
    }
    return new RunningStatistics(mean.clone(), variance.clone(), miniBatches);
  }

  /** C. */
  public int channels() {
    return mean.length;
  }

  /** Means; a fresh array. */
  public double[] mean() {
    return mean.clone();
  }

  /** Variances; a fresh array. */
  public double[] variance() {
    return variance.clone();
  }

  /** Number of mini-batches. */
  public long miniBatches() {
    return miniBatches;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RunningStatistics that
        && Arrays.equals(mean, that.mean)
        && Arrays.equals(variance, that.variance)
        && miniBatches == that.miniBatches;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(mean) * 31 + Arrays.hashCode(variance);
  }
}
