package org.sparkbatchnorm.tensor;

import java.nio.ByteBuffer;

/**
 * Consecutive elements of one array, somewhere inside it: what one read from storage brings.
 *
 * <p>The bytes are those between the buffer's position and limit, in the buffer's byte order. A
 * block borrows them: it is valid until its source reads the next one. Not thread-safe.
 *
 * @param dtype type of each element
 * @param bytes the elements; a whole number of them
 * @param view where channels stand in the whole array
 * @param firstElement position of the block's first element in the whole array, 0 or more
 */
public record TensorBlock(DType dtype, ByteBuffer bytes, ChannelView view, long firstElement) {
  /**
   * Bytes behind a block's last element with which an array can be read where it is: vectors reach
   * that far. Without them the last elements are copied first.
   */
  public static final int SLACK_BYTES = 64;

  /**
   * Validates.
   *
   * @throws IllegalArgumentException if the bytes are no whole number of elements, or the elements
   *     are not all inside the array
   */
  public TensorBlock {
    if (bytes.remaining() % dtype.bytes() != 0) {
      throw new IllegalArgumentException(
          bytes.remaining() + " bytes are no whole number of " + dtype + " elements");
    }
    if (firstElement < 0 || firstElement > view.elements() - bytes.remaining() / dtype.bytes()) {
      throw new IllegalArgumentException(
          "elements "
              + firstElement
              + " + "
              + bytes.remaining() / dtype.bytes()
              + " reach outside an array of "
              + view.elements());
    }
  }

  /** All of an array. */
  public static TensorBlock whole(DType dtype, ByteBuffer bytes, ChannelView view) {
    return new TensorBlock(dtype, bytes, view, 0);
  }

  /**
   * Some of its elements, whose bytes it shares; the block itself if they are all.
   *
   * @param from the first one, counted from the block's first
   * @param to the one after the last
   */
  public TensorBlock slice(int from, int to) {
    if (from == 0 && to == elements()) {
      return this;
    }
    int base = bytes.position();
    ByteBuffer part = bytes.duplicate().order(bytes.order());
    part.limit(base + to * dtype.bytes()).position(base + from * dtype.bytes());
    return new TensorBlock(dtype, part, view, firstElement + from);
  }

  /** Number of elements. */
  public int elements() {
    return bytes.remaining() / dtype.bytes();
  }
}
