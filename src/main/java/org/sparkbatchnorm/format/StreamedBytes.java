package org.sparkbatchnorm.format;

import java.io.EOFException;
import java.io.IOException;

/** A file that can also be read as one sequential stream, which is what storage is fast at. */
public interface StreamedBytes extends ReadableBytes {
  /** Where the sequential stream goes on. */
  void seek(long position) throws IOException;

  /**
   * Reads the next bytes of the sequential stream.
   *
   * @throws EOFException if the file ends before
   */
  void readNext(byte[] destination, int offset, int count) throws IOException;
}
