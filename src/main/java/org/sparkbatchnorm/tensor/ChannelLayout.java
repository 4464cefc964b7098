package org.sparkbatchnorm.tensor;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Which axis of an activation array holds the channels: axis 1 ({@code channels-first}, PyTorch and
 * ONNX) or the last one ({@code channels-last}, Keras and Flax). The lettered layouts also fix the
 * rank. An array of rank 2 is the same in both: {@code [N, C]}.
 */
public enum ChannelLayout {
  CHANNELS_FIRST("channels-first", false, 0),
  CHANNELS_LAST("channels-last", true, 0),
  NC("NC", false, 2),
  NCL("NCL", false, 3),
  NLC("NLC", true, 3),
  NCHW("NCHW", false, 4),
  NHWC("NHWC", true, 4),
  NCDHW("NCDHW", false, 5),
  NDHWC("NDHWC", true, 5);

  private final String word;
  private final boolean channelsLast;
  private final int rank;

  ChannelLayout(String word, boolean channelsLast, int rank) {
    this.word = word;
    this.channelsLast = channelsLast;
    this.rank = rank;
  }

  /** Whether the channels are on the last axis; of arrays of rank 2 they are in any case. */
  public boolean isChannelsLast() {
    return channelsLast;
  }

  /** The word for it on the command line and in job files. */
  public String word() {
    return word;
  }

  /** The layout of this word, exactly as {@link #word()} spells it. */
  public static Optional<ChannelLayout> ofWord(String word) {
    return Arrays.stream(values()).filter(layout -> layout.word.equals(word)).findFirst();
  }

  /** All words, for messages. */
  public static String words() {
    return Arrays.stream(values()).map(ChannelLayout::word).collect(Collectors.joining(", "));
  }

  /** The channels' axis in an array of this rank (at least 2). */
  public int channelAxis(int arrayRank) {
    return channelsLast ? arrayRank - 1 : 1;
  }

  /**
   * How an array of this shape, stored in this order, is seen as {@code [outer, channels, inner]}.
   *
   * @throws IllegalArgumentException if the rank is below 2 or not this layout's, or if there are
   *     more than 2^31 - 1 channels
   */
  public ChannelView view(Shape shape, ElementOrder order) {
    if (shape.rank() < 2) {
      throw new IllegalArgumentException(
          "shape "
              + shape
              + " has rank "
              + shape.rank()
              + ", but activations have a batch axis and a channel axis");
    }
    if (rank != 0 && shape.rank() != rank) {
      throw new IllegalArgumentException(
          "shape "
              + shape
              + " has rank "
              + shape.rank()
              + ", but layout "
              + word
              + " has rank "
              + rank);
    }
    int axis = channelAxis(shape.rank());
    long channels = shape.dimension(axis);
    if (channels > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "shape " + shape + " has " + channels + " channels, more than " + Integer.MAX_VALUE);
    }
    long before = shape.elements(0, axis);
    long after = shape.elements(axis + 1, shape.rank());
    return order == ElementOrder.ROW_MAJOR
        ? new ChannelView(before, (int) channels, after)
        : new ChannelView(after, (int) channels, before);
  }
}
