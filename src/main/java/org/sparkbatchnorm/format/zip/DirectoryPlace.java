package org.sparkbatchnorm.format.zip;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * Where the central directory stands, as the end of the file says, twice if it is a zip64.
 *
 * @param entries number of entries
 * @param offset offset in the file of the first central header
 * @param bytes length of all central headers
 */
record DirectoryPlace(long entries, long offset, long bytes) {
  /** The end and the longest comment there can be. */
  private static final int LONGEST_END = Field.END_BYTES + Field.MAX_16;

  /** Bytes of the zip64 end that its own length counts. */
  private static final int ZIP64_COUNTED = Field.ZIP64_END_BYTES - 12;

  /** Finds it, and checks that the records at the end agree and leave no gap. */
  static DirectoryPlace find(ReadableBytes file) throws IOException {
    requireMagic(file);
    long endOffset = file.length() - Field.END_BYTES;
    if (endOffset < 0) {
      throw truncated(file);
    }
    ByteBuffer end = Field.read(file, endOffset, Field.END_BYTES);
    if (end.getInt(0) != Field.END_SIGNATURE || end.getShort(20) != 0) {
      throw noEnd(file);
    }
    DirectoryPlace place =
        new DirectoryPlace(
            Field.unsigned16(end, 10), Field.unsigned32(end, 16), Field.unsigned32(end, 12));
    requireOneDisk(file, endOffset, end.getShort(4) == 0 && end.getShort(6) == 0);
    int here = Field.unsigned16(end, 8);

    long locatorOffset = endOffset - Field.ZIP64_LOCATOR_BYTES;
    if (locatorOffset >= Field.ZIP64_END_BYTES) {
      ByteBuffer locator = Field.read(file, locatorOffset, Field.ZIP64_LOCATOR_BYTES);
      if (locator.getInt(0) == Field.ZIP64_LOCATOR_SIGNATURE) {
        return place.zip64(file, endOffset, here, locator);
      }
    }
    requireAllHere(file, endOffset, here, place.entries);
    place.requireWithin(file, endOffset);
    return place;
  }

  private static void requireMagic(ReadableBytes file) throws IOException {
    ByteBuffer start = Field.read(file, 0, (int) Math.min(Integer.BYTES, file.length()));
    boolean empty = start.limit() == Integer.BYTES && start.getInt(0) == Field.END_SIGNATURE;
    for (int i = 0; i < start.limit() && !empty; i++) {
      if (start.get(i) != (byte) (Field.LOCAL_SIGNATURE >>> (8 * i))) {
        throw new MalformedFileException(
            file.name(),
            i,
            "ZIP_MAGIC",
            String.format("byte 0x%02x, but a zip begins with P K 0x03 0x04", start.get(i)));
      }
    }
  }

  /** What is wrong where the end should be. */
  private static MalformedFileException noEnd(ReadableBytes file) throws IOException {
    int tailBytes = (int) Math.min(LONGEST_END, file.length());
    long tailOffset = file.length() - tailBytes;
    ByteBuffer tail = Field.read(file, tailOffset, tailBytes);
    for (int i = tailBytes - Field.END_BYTES; i >= 0; i--) {
      if (tail.getInt(i) == Field.END_SIGNATURE) {
        long after = tailOffset + i + Field.END_BYTES;
        return new MalformedFileException(
            file.name(),
            after,
            "ZIP_TRAILING_BYTES",
            file.length() - after > 0
                ? file.length() - after + " bytes after the end of the zip, expected none"
                : "the end announces a comment that is not there");
      }
    }
    return truncated(file);
  }

  private static MalformedFileException truncated(ReadableBytes file) {
    return new MalformedFileException(
        file.name(),
        file.length(),
        "ZIP_TRUNCATED",
        "the file has "
            + file.length()
            + " bytes and does not end with the end of a zip's directory, which takes "
            + Field.END_BYTES);
  }

  private DirectoryPlace zip64(ReadableBytes file, long endOffset, int here, ByteBuffer locator)
      throws IOException {
    long locatorOffset = endOffset - Field.ZIP64_LOCATOR_BYTES;
    long recordOffset = locatorOffset - Field.ZIP64_END_BYTES;
    requireOneDisk(file, locatorOffset, locator.getInt(4) == 0 && locator.getInt(16) == 1);
    ByteBuffer record = Field.read(file, recordOffset, Field.ZIP64_END_BYTES);
    if (locator.getLong(8) != recordOffset
        || record.getInt(0) != Field.ZIP64_END_SIGNATURE
        || record.getLong(4) != ZIP64_COUNTED) {
      throw malformed(
          file,
          locatorOffset,
          "the zip64 end is not the " + Field.ZIP64_END_BYTES + " bytes before its locator");
    }
    requireOneDisk(file, recordOffset, record.getInt(16) == 0 && record.getInt(20) == 0);
    DirectoryPlace place =
        new DirectoryPlace(record.getLong(32), record.getLong(48), record.getLong(40));
    requireAllHere(file, recordOffset, record.getLong(24), place.entries);
    if (differs(here, Field.MAX_16, place.entries)
        || differs(entries, Field.MAX_16, place.entries)
        || differs(offset, Field.MAX_32, place.offset)
        || differs(bytes, Field.MAX_32, place.bytes)) {
      throw malformed(
          file, endOffset, "the end says " + this + ", but the zip64 end says " + place);
    }
    place.requireWithin(file, recordOffset);
    return place;
  }

  private static boolean differs(long found, long placeholder, long expected) {
    return found != expected && found != placeholder;
  }

  private static void requireOneDisk(ReadableBytes file, long offset, boolean single)
      throws MalformedFileException {
    if (!single) {
      throw malformed(file, offset, "a part of a split archive, expected one file");
    }
  }

  private static void requireAllHere(ReadableBytes file, long offset, long here, long all)
      throws MalformedFileException {
    if (here != all) {
      throw malformed(file, offset, here + " entries in this file of " + all + " in all");
    }
  }

  /** Directory and end follow each other, and there is not too much of it. */
  private void requireWithin(ReadableBytes file, long endOffset) throws MalformedFileException {
    if (entries < 0 || entries > Limits.ENTRIES) {
      throw new MalformedFileException(
          file.name(),
          endOffset,
          "ZIP_TOO_MANY_ENTRIES",
          Long.toUnsignedString(entries) + " entries, expected at most " + Limits.ENTRIES);
    }
    if (offset < 0 || offset > endOffset || bytes != endOffset - offset) {
      throw malformed(
          file, endOffset, this + " does not end at byte " + endOffset + ", where its end begins");
    }
    if (bytes > Limits.DIRECTORY_BYTES) {
      throw new MalformedFileException(
          file.name(),
          offset,
          "ZIP_DIRECTORY_TOO_LARGE",
          "directory of " + bytes + " bytes, expected at most " + Limits.DIRECTORY_BYTES);
    }
  }

  private static MalformedFileException malformed(ReadableBytes file, long offset, String reason) {
    return new MalformedFileException(file.name(), offset, "ZIP_DIRECTORY", reason);
  }

  @Override
  public String toString() {
    return "a directory of "
        + Long.toUnsignedString(entries)
        + " entries in "
        + Long.toUnsignedString(bytes)
        + " bytes at "
        + Long.toUnsignedString(offset);
  }
}
