package org.sparkbatchnorm.statistics;

/** The loops over values that all time goes into: plain, without a branch or a call inside. */
final class DeviationLoops {
  private DeviationLoops() {}

  /**
   * {@code sum(x - shift)} over every {@code step}th value, in four sums that do not wait for each
   * other.
   */
  static double sumOfDifferences(double[] values, int from, int to, int step, double shift) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = from;
    for (; i < to - 3 * step; i += 4 * step) {
      s0 += values[i] - shift;
      s1 += values[i + step] - shift;
      s2 += values[i + 2 * step] - shift;
      s3 += values[i + 3 * step] - shift;
    }
    for (; i < to; i += step) {
      s0 += values[i] - shift;
    }
    return (s0 + s1) + (s2 + s3);
  }

  /** {@code sum((x - mean)^2)} over every {@code step}th value. */
  static double sumOfSquares(double[] values, int from, int to, int step, double mean) {
    double q0 = 0;
    double q1 = 0;
    double q2 = 0;
    double q3 = 0;
    int i = from;
    for (; i < to - 3 * step; i += 4 * step) {
      double d0 = values[i] - mean;
      double d1 = values[i + step] - mean;
      double d2 = values[i + 2 * step] - mean;
      double d3 = values[i + 3 * step] - mean;
      q0 += d0 * d0;
      q1 += d1 * d1;
      q2 += d2 * d2;
      q3 += d3 * d3;
    }
    for (; i < to; i += step) {
      double d = values[i] - mean;
      q0 += d * d;
    }
    return (q0 + q1) + (q2 + q3);
  }

  /** Adds {@code x - shift} of consecutive channels to their sums, one value each. */
  static void addDifferences(
      double[] values, int from, double[] sums, double[] shifts, int channel, int length) {
    for (int i = 0; i < length; i++) {
      sums[channel + i] += values[from + i] - shifts[channel + i];
    }
  }

  /** Adds {@code (x - mean)^2} of consecutive channels to their sums, one value each. */
  static void addSquares(
      double[] values, int from, double[] sums, double[] means, int channel, int length) {
    for (int i = 0; i < length; i++) {
      double d = values[from + i] - means[channel + i];
      sums[channel + i] += d * d;
    }
  }
}
