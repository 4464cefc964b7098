package org.sparkbatchnorm.format;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A file of known length that can be read at any position. Implementations need not be thread-safe.
 */
public interface ReadableBytes extends Closeable {
  /** What messages call the file: its path or URI. */
  String name();

  /** Length in bytes. */
  long length();

  /**
   * Reads {@code count} bytes into the array.
   *
   * @param position offset in the file of the first byte
   * @throws EOFException if the file ends before
   */
  void readFully(long position, byte[] destination, int offset, int count) throws IOException;

  @Override
  void close() throws IOException;

  /** Bytes in memory, seen as a file of this name; for small files and tests. */
  static ReadableBytes of(String name, byte[] bytes) {
    return new ReadableBytes() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public long length() {
        return bytes.length;
      }

      @Override
      public void readFully(long position, byte[] destination, int offset, int count)
          throws IOException {
        if (position < 0 || position > bytes.length - count) {
          throw new EOFException(
              name + ": " + count + " bytes at " + position + " of " + bytes.length);
        }
        ByteBuffer.wrap(bytes).get((int) position, destination, offset, count);
      }

      @Override
      public void close() {}
    };
  }
}
