package org.sparkbatchnorm.format.zip;

import java.io.EOFException;
import java.io.IOException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * An entry's content at its place in the archive: what can be read of it are the positions from its
 * data on, whatever its form in the file. It is found intact before its first byte is handed out.
 * Not thread-safe.
 */
final class CheckedBytes implements ReadableBytes {
  private final ReadableBytes file;
  private final ZipArchive archive;
  private final ArchiveEntry entry;
  private boolean checked;
  private ReadableBytes content;

  CheckedBytes(ReadableBytes file, ZipArchive archive, ArchiveEntry entry) {
    this.file = file;
    this.archive = archive;
    this.entry = entry;
  }

  @Override
  public String name() {
    return file.name();
  }

  /** Where the content ends. */
  @Override
  public long length() {
    return entry.dataOffset() + entry.size();
  }

  @Override
  public void readFully(long position, byte[] destination, int offset, int count)
      throws IOException {
    if (position < entry.dataOffset() || position > length() - count) {
      throw new EOFException(count + " bytes at " + position + " are not in " + entry);
    }
    if (!checked) {
      archive.requireIntact(entry);
      checked = true;
    }
    if (content == null) {
      content = archive.open(entry);
    }
    content.readFully(position - entry.dataOffset(), destination, offset, count);
    if (position + count == length()) {
      close();
    }
  }

  /** Frees what an inflation holds; the end of the content does so, too. */
  @Override
  public void close() throws IOException {
    if (content != null) {
      content.close();
      content = null;
    }
  }
}
