package org.sparkbatchnorm.statistics;

/** Sums of x and x^2 in doubles, for the benchmark only. */
interface NaiveSums {
  /** Adds a row of one channel: S and Q next to each other. */
  void row(float[] values, int from, int to, double[] sums, int channel);

  /** The same of doubles. */
  void row(double[] values, int from, int to, double[] sums, int channel);

  /** Adds one value to each channel: S of all channels, then Q. */
  void places(float[] values, int from, int channels, double[] sums);

  /** The same of doubles. */
  void places(double[] values, int from, int channels, double[] sums);

  /** One value after the other, four sums at a time in rows. */
  final class Scalar implements NaiveSums {
    @Override
    public void row(float[] values, int from, int to, double[] sums, int channel) {
      double s0 = 0;
      double s1 = 0;
      double s2 = 0;
      double s3 = 0;
      double q0 = 0;
      double q1 = 0;
      double q2 = 0;
      double q3 = 0;
      int i = from;
      for (; i < to - 3; i += 4) {
        double x0 = values[i];
        double x1 = values[i + 1];
        double x2 = values[i + 2];
        double x3 = values[i + 3];
        s0 += x0;
        s1 += x1;
        s2 += x2;
        s3 += x3;
        q0 += x0 * x0;
        q1 += x1 * x1;
        q2 += x2 * x2;
        q3 += x3 * x3;
      }
      for (; i < to; i++) {
        s0 += values[i];
        q0 += (double) values[i] * values[i];
      }
      sums[2 * channel] += (s0 + s1) + (s2 + s3);
      sums[2 * channel + 1] += (q0 + q1) + (q2 + q3);
    }

    @Override
    public void row(double[] values, int from, int to, double[] sums, int channel) {
      double s0 = 0;
      double s1 = 0;
      double q0 = 0;
      double q1 = 0;
      int i = from;
      for (; i < to - 1; i += 2) {
        double x0 = values[i];
        double x1 = values[i + 1];
        s0 += x0;
        s1 += x1;
        q0 += x0 * x0;
        q1 += x1 * x1;
      }
      for (; i < to; i++) {
        s0 += values[i];
        q0 += values[i] * values[i];
      }
      sums[2 * channel] += s0 + s1;
      sums[2 * channel + 1] += q0 + q1;
    }

    @Override
    public void places(float[] values, int from, int channels, double[] sums) {
      for (int i = 0; i < channels; i++) {
        double x = values[from + i];
        sums[i] += x;
        sums[channels + i] += x * x;
      }
    }

    @Override
    public void places(double[] values, int from, int channels, double[] sums) {
      for (int i = 0; i < channels; i++) {
        double x = values[from + i];
        sums[i] += x;
        sums[channels + i] += x * x;
      }
    }
  }
}
