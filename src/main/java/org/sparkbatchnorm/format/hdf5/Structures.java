package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * The structures of a file, fetched by their addresses. In a valid file no two of them share a
 * byte: so all of them together have no more bytes than the file, which bounds what a hostile one
 * can make a reader do. Not thread-safe.
 */
final class Structures {
  private final ReadableBytes file;
  private final Pages pages;
  private final long base;
  private final long end;
  private long bytesRead;
  private int count;
  private long characters;

  /**
   * The structures of a file.
   *
   * @param base where the user block ends, which addresses count from
   * @param end where the file ends by what it says itself
   */
  Structures(ReadableBytes file, Pages pages, long base, long end) {
    this.file = file;
    this.pages = pages;
    this.base = base;
    this.end = end;
  }

  /**
   * Reads a structure.
   *
   * @param what messages call it
   * @param address its first byte, from the end of the user block
   * @param bytes its length
   */
  Fields read(String what, long address, long bytes) throws IOException {
    long offset = offset(what, address, bytes);
    if (bytes > Limits.STRUCTURE_BYTES) {
      throw malformed(
          offset,
          "HDF5_TOO_LARGE",
          what + " of " + bytes + " bytes, expected at most " + Limits.STRUCTURE_BYTES);
    }
    count++;
    bytesRead += bytes;
    if (count > Limits.STRUCTURES) {
      throw malformed(offset, "HDF5_TOO_LARGE", "more than " + Limits.STRUCTURES + " structures");
    }
    if (bytesRead > end) {
      throw malformed(
          offset,
          "HDF5_CYCLE",
          what + " shares bytes with others: all together exceed the " + end + " of the file");
    }
    return fields(what, offset, (int) bytes);
  }

  /** The first bytes of a structure whose length they tell; fewer at the end of the file. */
  Fields peek(String what, long address, int bytes) throws IOException {
    long offset = offset(what, address, 1);
    return fields(what, offset, (int) Math.min(bytes, end - offset));
  }

  private Fields fields(String what, long offset, int bytes) throws IOException {
    byte[] read = new byte[bytes];
    pages.read(offset, read);
    return new Fields(file.name(), what, read, offset);
  }

  /**
   * A text that will be held: names and paths, which structures may share without sharing bytes.
   */
  String hold(String text) throws MalformedFileException {
    characters += text.length();
    if (characters > Limits.CHARACTERS) {
      throw malformed(
          MalformedFileException.NO_OFFSET,
          "HDF5_TOO_LARGE",
          "names and paths of more than " + Limits.CHARACTERS + " characters");
    }
    return text;
  }

  /** Where that many bytes of something begin in the file, all of which must be there. */
  long offset(String what, long address, long bytes) throws MalformedFileException {
    if (address == Fields.UNDEFINED) {
      throw malformed(MalformedFileException.NO_OFFSET, "HDF5_INVALID", what + " has no address");
    }
    if (address > end - base || bytes > end - base - address) {
      throw malformed(
          Math.min(end, file.length()),
          "HDF5_TRUNCATED",
          what
              + " of "
              + bytes
              + " bytes at "
              + address
              + ", but the file ends at "
              + (end - base));
    }
    return base + address;
  }

  MalformedFileException malformed(long offset, String code, String reason) {
    return new MalformedFileException(file.name(), offset, code, reason);
  }
}
