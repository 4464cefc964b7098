package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.ChannelView;

/**
 * The corrected two-pass algorithm over one piece of an array (Chan, Golub, LeVeque 1983, eq. 1.7),
 * for all channels in it:
 *
 * <pre>{@code
 * shift = the channel's first value
 * mean0 = shift + sum(x - shift) / n
 * M2    = sum((x - mean0)^2) - (sum(x - mean0))^2 / n
 * mean  = mean0 + sum(x - mean0) / n
 * }</pre>
 *
 * <p>The shift makes a constant channel exact: every difference is 0. Non-finite values are counted
 * apart and take no part. Reused from piece to piece; not thread-safe.
 */
final class TwoPassSums {
  private final int channels;
  private final int[] count;
  private final double[] shift;
  private final double[] mean;
  private final double[] deviations;
  private final double[] squares;
  private int firstChannel;
  private int touched;

  TwoPassSums(int channels) {
    this.channels = channels;
    count = new int[channels];
    shift = new double[channels];
    mean = new double[channels];
    deviations = new double[channels];
    squares = new double[channels];
  }

  /**
   * Sums a piece.
   *
   * @param n values in the piece, at least 1
   * @param position of the first value in the whole array
   * @param nonFinite where values that are not finite are counted
   * @return index in the piece of the first value that is not finite, or -1
   */
  int sum(double[] values, int n, ChannelView view, long position, NonFiniteCounts nonFinite) {
    locate(n, view, position);
    boolean finite = true;
    if (view.inner() == 1) {
      firstPassInterleaved(values, n);
      finite = shiftedSumsAreFinite();
    } else {
      finite = firstPassRuns(values, n, view.inner(), position);
    }
    if (!finite) {
      int first = classify(values, n, view.inner(), position, nonFinite);
      if (first >= 0) {
        compactedPasses(values, n, view.inner(), position);
        return first;
      }
    }
    toMeans();
    if (view.inner() == 1) {
      secondPassInterleaved(values, n);
    } else {
      secondPassRuns(values, n, view.inner(), position);
    }
    return -1;
  }

  /** Merges the piece's moments into the arrays. */
  void mergeInto(long[] totalCount, double[] totalMean, double[] totalM2) {
    for (int i = 0, c = firstChannel; i < touched; i++, c = next(c)) {
      int n = count[c];
      if (n > 0) {
        double correction = deviations[c] / n;
        double m2 = Math.max(0, squares[c] - deviations[c] * correction);
        ChannelMoments.mergeInto(totalCount, totalMean, totalM2, c, n, mean[c] + correction, m2);
      }
    }
  }

  private int next(int channel) {
    return channel + 1 == channels ? 0 : channel + 1;
  }

  private int channelAt(long position, long inner) {
    return (int) (position / inner % channels);
  }

  /** Finds out which channels the piece touches, and clears their sums. */
  private void locate(int n, ChannelView view, long position) {
    firstChannel = channelAt(position, view.inner());
    long runs = (position + n - 1) / view.inner() - position / view.inner() + 1;
    touched = (int) Math.min(channels, runs);
    for (int i = 0, c = firstChannel; i < touched; i++, c = next(c)) {
      count[c] = 0;
      deviations[c] = 0;
      squares[c] = 0;
    }
  }

  private boolean firstPassRuns(double[] values, int n, long inner, long position) {
    boolean finite = true;
    int c = firstChannel;
    for (int from = 0; from < n; c = next(c)) {
      int to = endOfRun(from, n, inner, position);
      if (count[c] == 0) {
        shift[c] = values[from];
      }
      double sum = sumOfDifferences(values, from, to, shift[c]);
      finite &= Double.isFinite(sum);
      deviations[c] += sum;
      count[c] += to - from;
      from = to;
    }
    return finite;
  }

  private static int endOfRun(int from, int n, long inner, long position) {
    long left = inner - (position + from) % inner;
    return (int) Math.min(n, from + left);
  }

  private static double sumOfDifferences(double[] values, int from, int to, double shift) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = from;
    for (; i < to - 3; i += 4) {
      s0 += values[i] - shift;
      s1 += values[i + 1] - shift;
      s2 += values[i + 2] - shift;
      s3 += values[i + 3] - shift;
    }
    for (; i < to; i++) {
      s0 += values[i] - shift;
    }
    return (s0 + s1) + (s2 + s3);
  }

  private void firstPassInterleaved(double[] values, int n) {
    for (int from = 0, c = firstChannel; from < n; c = 0) {
      int length = Math.min(n - from, channels - c);
      if (from < channels) {
        takeShifts(values, from, c, length);
      }
      for (int i = 0; i < length; i++) {
        count[c + i]++;
      }
      addDifferences(values, from, deviations, shift, c, length);
      from += length;
    }
  }

  private void takeShifts(double[] values, int from, int channel, int length) {
    for (int i = 0; i < length; i++) {
      if (count[channel + i] == 0) {
        shift[channel + i] = values[from + i];
      }
    }
  }

  private static void addDifferences(
      double[] values, int from, double[] sums, double[] shifts, int channel, int length) {
    for (int i = 0; i < length; i++) {
      sums[channel + i] += values[from + i] - shifts[channel + i];
    }
  }

  private boolean shiftedSumsAreFinite() {
    boolean finite = true;
    for (int i = 0, c = firstChannel; i < touched; i++, c = next(c)) {
      finite &= Double.isFinite(deviations[c]);
    }
    return finite;
  }

  /** mean0, and sums set to zero for the second pass. */
  private void toMeans() {
    for (int i = 0, c = firstChannel; i < touched; i++, c = next(c)) {
      mean[c] = shift[c] + deviations[c] / count[c];
      deviations[c] = 0;
    }
  }

  private void secondPassRuns(double[] values, int n, long inner, long position) {
    int c = firstChannel;
    for (int from = 0; from < n; c = next(c)) {
      int to = endOfRun(from, n, inner, position);
      deviations[c] += sumOfDifferences(values, from, to, mean[c]);
      squares[c] += sumOfSquares(values, from, to, mean[c]);
      from = to;
    }
  }

  private static double sumOfSquares(double[] values, int from, int to, double mean) {
    double q0 = 0;
    double q1 = 0;
    double q2 = 0;
    double q3 = 0;
    int i = from;
    for (; i < to - 3; i += 4) {
      double d0 = values[i] - mean;
      double d1 = values[i + 1] - mean;
      double d2 = values[i + 2] - mean;
      double d3 = values[i + 3] - mean;
      q0 += d0 * d0;
      q1 += d1 * d1;
      q2 += d2 * d2;
      q3 += d3 * d3;
    }
    for (; i < to; i++) {
      double d = values[i] - mean;
      q0 += d * d;
    }
    return (q0 + q1) + (q2 + q3);
  }

  private void secondPassInterleaved(double[] values, int n) {
    for (int from = 0, c = firstChannel; from < n; c = 0) {
      int length = Math.min(n - from, channels - c);
      addDifferences(values, from, deviations, mean, c, length);
      addSquares(values, from, squares, mean, c, length);
      from += length;
    }
  }

  private static void addSquares(
      double[] values, int from, double[] sums, double[] means, int channel, int length) {
    for (int i = 0; i < length; i++) {
      double d = values[from + i] - means[channel + i];
      sums[channel + i] += d * d;
    }
  }

  /** Counts what is not finite; -1 if nothing is (the sums overflowed). */
  private int classify(
      double[] values, int n, long inner, long position, NonFiniteCounts nonFinite) {
    int first = -1;
    for (int i = 0; i < n; i++) {
      if (!Double.isFinite(values[i])) {
        nonFinite.count(channelAt(position + i, inner), values[i]);
        first = first < 0 ? i : first;
      }
    }
    return first;
  }

  /** Both passes over the finite values only, one by one. */
  private void compactedPasses(double[] values, int n, long inner, long position) {
    locateAgain();
    for (int i = 0; i < n; i++) {
      if (Double.isFinite(values[i])) {
        int c = channelAt(position + i, inner);
        if (count[c] == 0) {
          shift[c] = values[i];
        }
        deviations[c] += values[i] - shift[c];
        count[c]++;
      }
    }
    toMeans();
    for (int i = 0; i < n; i++) {
      if (Double.isFinite(values[i])) {
        int c = channelAt(position + i, inner);
        double d = values[i] - mean[c];
        deviations[c] += d;
        squares[c] += d * d;
      }
    }
  }

  private void locateAgain() {
    for (int i = 0, c = firstChannel; i < touched; i++, c = next(c)) {
      count[c] = 0;
      deviations[c] = 0;
    }
  }
}
