package org.sparkbatchnorm.format.keras;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import org.sparkbatchnorm.format.ReadableBytes;

/** A file from its first byte to its last, in pieces. Closing it leaves the file open. */
final class ContentStream extends InputStream {
  private final ReadableBytes file;
  private long position;

  ContentStream(ReadableBytes file) {
    this.file = file;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] destination, int offset, int count) throws IOException {
    Objects.checkFromIndexSize(offset, count, destination.length);
    int available = (int) Math.min(count, file.length() - position);
    if (available == 0 && count > 0) {
      return -1;
    }
    file.readFully(position, destination, offset, available);
    position += available;
    return available;
  }
}
