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

  /** Number of elements. */
  public int elements() {
    return bytes.remaining() / dtype.bytes();
  }
}
