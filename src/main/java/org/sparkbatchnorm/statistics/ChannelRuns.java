package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.ChannelView;

/**
 * Cuts a piece of an array into runs of one channel each: elements {@code from, from + stride, ...}
 * below {@code to}. A run is a row of {@code inner} consecutive elements or, where {@code inner} is
 * 1, all the piece's elements of that channel, {@code channels} apart. A cursor; not thread-safe.
 */
final class ChannelRuns {
  private final ChannelView view;
  private final int stride;
  private long position;
  private int elements;
  private int channel;
  private int from;
  private int to;

  ChannelRuns(ChannelView view) {
    this.view = view;
    stride = view.inner() == 1 ? view.channels() : 1;
  }

  /** Goes before the first run of a piece of {@code n} elements, 1 or more. */
  void start(long firstElement, int n) {
    position = firstElement;
    elements = n;
    channel = (int) (firstElement / view.inner() % view.channels()) - 1;
    from = -1;
    to = view.inner() == 1 ? n : 0;
  }

  /** Goes to the next run, if there is one. */
  boolean next() {
    if (view.inner() == 1) {
      from++;
      if (from >= Math.min(elements, view.channels())) {
        return false;
      }
    } else {
      from = to;
      if (from >= elements) {
        return false;
      }
      to = (int) Math.min(elements, from + (view.inner() - (position + from) % view.inner()));
    }
    channel = channel + 1 == view.channels() ? 0 : channel + 1;
    return true;
  }

  int channel() {
    return channel;
  }

  int from() {
    return from;
  }

  int to() {
    return to;
  }

  int stride() {
    return stride;
  }

  /** Elements in the run. */
  int length() {
    return (to - from - 1) / stride + 1;
  }
}
