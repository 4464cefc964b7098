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
 * apart and take no part. The mean is right whatever finite values there are; M2 is infinite where
 * a square or their sum exceeds the largest double. Reused from piece to piece; not thread-safe.
 */
final class TwoPassSums {
  /** 2^-20: differences of doubles reach 2^1025, and a piece has at most 2^15 of them. */
  private static final double SCALE = 0x1p-20;

  /** Below, a loop over each channel in turn is faster than one over rows so short. */
  private static final int STRIDED_CHANNELS = 32;

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
    // A single channel is one run, however the array is shaped.
    long inner = channels == 1 ? view.elements() : view.inner();
    locate(n, inner, position);
    boolean finite =
        inner == 1
            ? firstPassInterleaved(values, n)
            : firstPassRuns(values, n, endOfFirstRun(n, inner, position), inner);
    if (!finite) {
      return carefulPasses(values, n, endOfFirstRun(n, inner, position), inner, nonFinite);
    }
    toMeans();
    if (inner == 1) {
      secondPassInterleaved(values, n);
    } else {
      secondPassRuns(values, n, endOfFirstRun(n, inner, position), inner);
    }
    return -1;
  }

  /** Merges the piece's moments into the arrays. */
  void mergeInto(long[] totalCount, double[] totalMean, double[] totalM2) {
    for (int i = 0, c = firstChannel; i < touched; i++, c = next(c)) {
      int n = count[c];
      if (n > 0) {
        // Deviations overflow, to an infinity or NaN, only where their squares do.
        boolean overflow = squares[c] == Double.POSITIVE_INFINITY;
        double correction = overflow ? 0 : deviations[c] / n;
        double m2 = overflow ? squares[c] : Math.max(0, squares[c] - deviations[c] * correction);
        WelfordMoments.mergeInto(totalCount, totalMean, totalM2, c, n, mean[c] + correction, m2);
      }
    }
  }

  private int next(int channel) {
    return channel + 1 == channels ? 0 : channel + 1;
  }

  /** Finds out which channels the piece touches, and clears their sums. */
  private void locate(int n, long inner, long position) {
    firstChannel = (int) (position / inner % channels);
    long runs = (position + n - 1) / inner - position / inner + 1;
    touched = (int) Math.min(channels, runs);
    clear();
  }

  private void clear() {
    for (int i = 0, c = firstChannel; i < touched; i++, c = next(c)) {
      count[c] = 0;
      deviations[c] = 0;
      squares[c] = 0;
    }
  }

  private static int endOfFirstRun(int n, long inner, long position) {
    return (int) Math.min(n, inner - position % inner);
  }

  private static int endOfNextRun(int n, long inner, int from) {
    return (int) Math.min(n - from, inner) + from;
  }

  private boolean firstPassRuns(double[] values, int n, int endOfFirst, long inner) {
    boolean finite = true;
    int c = firstChannel;
    for (int from = 0, to = endOfFirst; from < n; c = next(c)) {
      if (count[c] == 0) {
        shift[c] = values[from];
      }
      double sum = DeviationLoops.sumOfDifferences(values, from, to, 1, shift[c]);
      finite &= Double.isFinite(sum);
      deviations[c] += sum;
      count[c] += to - from;
      from = to;
      to = endOfNextRun(n, inner, from);
    }
    return finite && shiftedSumsAreFinite();
  }

  private boolean firstPassInterleaved(double[] values, int n) {
    if (channels < STRIDED_CHANNELS) {
      for (int i = 0, c = firstChannel; i < touched; i++, c = next(c)) {
        shift[c] = values[i];
        count[c] = (n - 1 - i) / channels + 1;
        deviations[c] = DeviationLoops.sumOfDifferences(values, i, n, channels, shift[c]);
      }
      return shiftedSumsAreFinite();
    }
    for (int from = 0, c = firstChannel; from < n; c = 0) {
      int length = Math.min(n - from, channels - c);
      if (from < channels) {
        takeShifts(values, from, c, length);
      }
      for (int i = 0; i < length; i++) {
        count[c + i]++;
      }
      DeviationLoops.addDifferences(values, from, deviations, shift, c, length);
      from += length;
    }
    return shiftedSumsAreFinite();
  }

  private void takeShifts(double[] values, int from, int channel, int length) {
    for (int i = 0; i < length; i++) {
      if (count[channel + i] == 0) {
        shift[channel + i] = values[from + i];
      }
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

  private void secondPassRuns(double[] values, int n, int endOfFirst, long inner) {
    int c = firstChannel;
    for (int from = 0, to = endOfFirst; from < n; c = next(c)) {
      deviations[c] += DeviationLoops.sumOfDifferences(values, from, to, 1, mean[c]);
      squares[c] += DeviationLoops.sumOfSquares(values, from, to, 1, mean[c]);
      from = to;
      to = endOfNextRun(n, inner, from);
    }
  }

  private void secondPassInterleaved(double[] values, int n) {
    if (channels < STRIDED_CHANNELS) {
      for (int i = 0, c = firstChannel; i < touched; i++, c = next(c)) {
        deviations[c] = DeviationLoops.sumOfDifferences(values, i, n, channels, mean[c]);
        squares[c] = DeviationLoops.sumOfSquares(values, i, n, channels, mean[c]);
      }
      return;
    }
    for (int from = 0, c = firstChannel; from < n; c = 0) {
      int length = Math.min(n - from, channels - c);
      DeviationLoops.addDifferences(values, from, deviations, mean, c, length);
      DeviationLoops.addSquares(values, from, squares, mean, c, length);
      from += length;
    }
  }

  /**
   * Both passes once more over the finite values only, where some are not finite or the sum of
   * their differences overflowed.
   *
   * @return index of the first value that is not finite, -1 if all are
   */
  private int carefulPasses(
      double[] values, int n, int endOfFirst, long inner, NonFiniteCounts nonFinite) {
    clear();
    int first = carefulFirstPass(values, n, endOfFirst, inner, nonFinite);
    for (int i = 0, c = firstChannel; i < touched; i++, c = next(c)) {
      mean[c] = count[c] == 0 ? 0 : (shift[c] * SCALE + deviations[c] / count[c]) / SCALE;
      deviations[c] = 0;
    }
    carefulSecondPass(values, n, endOfFirst, inner);
    return first;
  }

  private int carefulFirstPass(
      double[] values, int n, int endOfFirst, long inner, NonFiniteCounts nonFinite) {
    int first = -1;
    int c = firstChannel;
    for (int from = 0, to = endOfFirst; from < n; c = next(c)) {
      for (int i = from; i < to; i++) {
        double x = values[i];
        if (Double.isFinite(x)) {
          if (count[c] == 0) {
            shift[c] = x;
          }
          deviations[c] += x * SCALE - shift[c] * SCALE;
          count[c]++;
        } else {
          nonFinite.count(c, x);
          first = first < 0 ? i : first;
        }
      }
      from = to;
      to = endOfNextRun(n, inner, from);
    }
    return first;
  }

  private void carefulSecondPass(double[] values, int n, int endOfFirst, long inner) {
    int c = firstChannel;
    for (int from = 0, to = endOfFirst; from < n; c = next(c)) {
      for (int i = from; i < to; i++) {
        if (Double.isFinite(values[i])) {
          double d = values[i] - mean[c];
          deviations[c] += d;
          squares[c] += d * d;
        }
      }
      from = to;
      to = endOfNextRun(n, inner, from);
    }
  }
}
