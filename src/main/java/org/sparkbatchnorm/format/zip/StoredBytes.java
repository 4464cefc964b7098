package org.sparkbatchnorm.format.zip;

import java.io.EOFException;
import java.io.IOException;
import org.sparkbatchnorm.format.ReadableBytes;

/** The content of a stored entry: a range of the archive. Closing it leaves the archive open. */
final class StoredBytes implements ReadableBytes {
  private final String name;
  private final ReadableBytes file;
  private final ArchiveEntry entry;

  StoredBytes(String name, ReadableBytes file, ArchiveEntry entry) {
    this.name = name;
    this.file = file;
    this.entry = entry;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long length() {
    return entry.size();
  }

  @Override
  public void readFully(long position, byte[] destination, int offset, int count)
      throws IOException {
    if (position < 0 || position > length() - count) {
      throw new EOFException(name + ": " + count + " bytes at " + position + " of " + length());
    }
    file.readFully(entry.dataOffset() + position, destination, offset, count);
  }

  @Override
  public void close() {}
}
