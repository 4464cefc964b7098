package org.sparkbatchnorm.tensor;

import java.io.Serializable;

/**
 * An array seen as {@code [outer, channels, inner]} in the order of its elements in memory: the
 * channel of element {@code i} is {@code (i / inner) mod channels}.
 *
 * @param outer how often the sequence of channels repeats, 0 or more
 * @param channels number of channels, 0 or more
 * @param inner consecutive elements of one channel, 0 or more
 */
public record ChannelView(long outer, int channels, long inner) implements Serializable {
  private static final long serialVersionUID = 1L;

  /**
   * Validates.
   *
   * @throws IllegalArgumentException if an extent is negative
   * @throws ArithmeticException if the extents, those of length 0 apart, multiply to more than 2^63
   *     - 1
   */
  public ChannelView {
    if (outer < 0 || channels < 0 || inner < 0) {
      throw new IllegalArgumentException(
          "negative extent in [outer "
              + outer
              + ", channels "
              + channels
              + ", inner "
              + inner
              + "]");
    }
    Shape.product(new long[] {outer, channels, inner}, 0, 3);
  }

  /** Number of elements. */
  public long elements() {
    return outer * channels * inner;
  }

  /** Number of elements of each channel: {@code outer * inner}. */
  public long elementsPerChannel() {
    return outer * inner;
  }
}
