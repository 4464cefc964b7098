package org.sparkbatchnorm.kernel;

import org.sparkbatchnorm.tensor.ChannelView;

/**
 * Cuts consecutive elements of an array into rows, those of one channel each. A cursor, before the
 * first row at first; not thread-safe.
 */
final class ChannelRows {
  private final long inner;
  private final int channels;
  private final int end;
  private long left;
  private int channel;
  private int from;
  private int to;

  /**
   * Rows of the elements at places {@code from} to {@code to} (exclusive), one at least.
   *
   * @param first position in the whole array of the first of them
   */
  ChannelRows(ChannelView view, long first, int from, int to) {
    inner = view.inner();
    channels = view.channels();
    end = to;
    left = inner - first % inner;
    channel = (int) (first / inner % channels) - 1;
    this.to = from;
  }

  /** Goes to the next row, if there is one. */
  boolean next() {
    if (to == end) {
      return false;
    }
    from = to;
    to = from + (int) Math.min(left, end - from);
    left = inner;
    channel = channel + 1 == channels ? 0 : channel + 1;
    return true;
  }

  int channel() {
    return channel;
  }

  /** Place of the row's first element. */
  int from() {
    return from;
  }

  /** The place behind its last. */
  int to() {
    return to;
  }
}
