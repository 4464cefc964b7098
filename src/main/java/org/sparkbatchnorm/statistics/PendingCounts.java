package org.sparkbatchnorm.statistics;

import java.util.Arrays;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * How many values each channel was given: noted as differences between neighbouring channels, so
 * that a block costs the same however many channels it touches. Mutable, not thread-safe.
 */
final class PendingCounts {
  private final int channels;

  /** Channel c's count is the sum of the elements up to c. */
  private final long[] differences;

  PendingCounts(int channels) {
    this.channels = channels;
    differences = new long[channels + 1];
  }

  /** Notes {@code n >= 1} elements of an array, beginning anywhere in it. */
  void add(ChannelView view, long first, long n) {
    long inner = view.inner();
    long run = first / inner;
    int channel = (int) (run % channels);
    long begun = first - run * inner;
    if (begun > 0) {
      long rest = Math.min(n, inner - begun);
      add(channel, rest);
      n -= rest;
      channel = channel + 1 == channels ? 0 : channel + 1;
    }
    long runs = n / inner;
    addRange(0, channels, runs / channels * inner);
    int left = (int) (runs % channels);
    int end = Math.min(channels, channel + left);
    addRange(channel, end, inner);
    int wrapped = left - (end - channel);
    addRange(0, wrapped, inner);
    add((channel + left) % channels, n - runs * inner);
  }

  /** Notes values of one channel, or takes them back. */
  void add(int channel, long values) {
    addRange(channel, channel + 1, values);
  }

  private void addRange(int from, int to, long values) {
    differences[from] += values;
    differences[to] -= values;
  }

  /** Brings the counts to the sums. */
  void flush(ExactSums sums) {
    long count = 0;
    for (int c = 0; c < channels; c++) {
      count += differences[c];
      if (count != 0) {
        sums.addToCount(c, count);
      }
    }
    Arrays.fill(differences, 0);
  }
}
