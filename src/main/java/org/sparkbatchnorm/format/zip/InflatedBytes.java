package org.sparkbatchnorm.format.zip;

import java.io.EOFException;
import java.io.IOException;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * The content of a deflated entry (RFC 1951), inflated piece by piece as it is read. Holds two
 * chunks, whatever the content. Closing it leaves the archive open. Not thread-safe.
 */
final class InflatedBytes implements ReadableBytes {
  private final String name;
  private final ReadableBytes file;
  private final ArchiveEntry entry;
  private final Inflater inflater = new Inflater(true);
  private final byte[] input;
  private long inputOffset;
  private long position;

  InflatedBytes(String name, ReadableBytes file, ArchiveEntry entry) {
    this.name = name;
    this.file = file;
    this.entry = entry;
    this.input = new byte[(int) Math.min(Limits.CHUNK_BYTES, entry.storedBytes())];
    this.inputOffset = entry.dataOffset();
  }

  @Override
  public String name() {
    return name;
  }

  /** The size declared. */
  @Override
  public long length() {
    return entry.size();
  }

  @Override
  public void readFully(long from, byte[] destination, int offset, int count) throws IOException {
    if (from < 0 || from > length() - count) {
      throw new EOFException(name + ": " + count + " bytes at " + from + " of " + length());
    }
    if (from < position) {
      inflater.reset();
      inputOffset = entry.dataOffset();
      position = 0;
    }
    byte[] skipped = new byte[(int) Math.min(Limits.CHUNK_BYTES, from - position)];
    while (position < from) {
      take(skipped, 0, (int) Math.min(skipped.length, from - position));
    }
    for (int taken = 0; taken < count; ) {
      taken += take(destination, offset + taken, count - taken);
    }
  }

  /** Inflates at least one byte and at most {@code count} (at least 1), and says how many. */
  private int take(byte[] destination, int offset, int count) throws IOException {
    int taken = inflate(destination, offset, count);
    if (taken == 0) {
      throw malformed("ZIP_SIZE", "has " + position + " bytes");
    }
    return taken;
  }

  /** CRC-32 of the whole content, which must have the size declared and end where the data do. */
  int crc32() throws IOException {
    CRC32 crc = new CRC32();
    byte[] chunk = new byte[Limits.CHUNK_BYTES];
    for (int taken = inflate(chunk, 0, chunk.length);
        taken > 0;
        taken = inflate(chunk, 0, chunk.length)) {
      crc.update(chunk, 0, taken);
      if (position > entry.size()) {
        throw malformed("ZIP_SIZE", "has more than " + entry.size() + " bytes");
      }
    }
    if (position != entry.size()) {
      throw malformed("ZIP_SIZE", "has " + position + " bytes");
    }
    if (inflater.getRemaining() > 0 || inputOffset < entry.dataEnd()) {
      throw malformed("ZIP_DEFLATE", "ends before its data do");
    }
    return (int) crc.getValue();
  }

  /** As {@link #take}; 0 at the end of the content. */
  private int inflate(byte[] destination, int offset, int count) throws IOException {
    while (!inflater.finished()) {
      if (inflater.needsInput()) {
        int available = (int) Math.min(input.length, entry.dataEnd() - inputOffset);
        if (available == 0) {
          throw malformed("ZIP_DEFLATE", "has no end in its data");
        }
        file.readFully(inputOffset, input, 0, available);
        inputOffset += available;
        inflater.setInput(input, 0, available);
      }
      int taken;
      try {
        taken = inflater.inflate(destination, offset, count);
      } catch (DataFormatException e) {
        throw malformed("ZIP_DEFLATE", "is not deflated data: " + e.getMessage());
      }
      if (taken > 0) {
        position += taken;
        return taken;
      }
    }
    return 0;
  }

  private MalformedFileException malformed(String code, String found) {
    return new MalformedFileException(
        file.name(),
        entry.dataOffset(),
        code,
        Limits.quoted(entry.name())
            + " "
            + found
            + ", the directory says "
            + entry.size()
            + " in "
            + entry.storedBytes());
  }

  @Override
  public void close() {
    inflater.end();
  }
}
