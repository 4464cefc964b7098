package org.sparkbatchnorm.format.parquet;

import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Takes what a row holds: its values in order, and the lists that they are in. A list may end
 * before the last of its values have been given; all of a row have before the row ends.
 */
public interface RowSink {
  /**
   * The next values of the row: some elements of the innermost lists, or all the bytes of a binary.
   *
   * @param bytes in the buffer's byte order; valid until this method returns
   */
  void values(ByteBuffer bytes) throws IOException;

  /**
   * A list ends.
   *
   * @param depth of how many lists it is an entry
   * @param entries how many it has: lists or values
   */
  void endList(int depth, long entries) throws IOException;

  /**
   * There is a null.
   *
   * @param depth of how many lists it is an entry: 0 if the row holds nothing else
   */
  void nullAt(int depth) throws IOException;
}
