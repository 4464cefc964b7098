package org.sparkbatchnorm.format.zip;

import java.nio.ByteBuffer;
import org.sparkbatchnorm.format.MalformedFileException;

/** The extra fields of one header: of interest is only the one with 64-bit numbers. Use once. */
final class ExtraFields {
  private final String file;
  private final long headerOffset;
  private final ByteBuffer bytes;
  private final int start;
  private int zip64Next;
  private int zip64End;

  /** Fields at this index in the bytes, of a header at this offset in the file. */
  ExtraFields(String file, long headerOffset, ByteBuffer bytes, int start) {
    this.file = file;
    this.headerOffset = headerOffset;
    this.bytes = bytes;
    this.start = start;
  }

  /** Looks through them. */
  void parse(int length) throws MalformedFileException {
    int end = start + length;
    boolean zip64 = false;
    for (int at = start; at < end; ) {
      int data = at + 4;
      int next = data <= end ? data + Field.unsigned16(bytes, at + 2) : end + 1;
      if (next > end) {
        throw malformed("an extra field that ends after its header does");
      }
      int id = Field.unsigned16(bytes, at);
      if (id == Field.ZIP64_EXTRA) {
        if (zip64) {
          throw malformed("two zip64 fields in one header");
        }
        zip64 = true;
        zip64Next = data;
        zip64End = next;
      } else if (id == Field.UNICODE_PATH_EXTRA) {
        throw malformed("an extra field with a second name, expected one name");
      }
      at = next;
    }
  }

  /** A number as its 32-bit field has it, or the next of the zip64 field if that one overflows. */
  long resolve(long narrow) throws MalformedFileException {
    if (narrow != Field.MAX_32) {
      return narrow;
    }
    if (zip64End - zip64Next < Long.BYTES) {
      throw malformed("a number that does not fit 32 bits, and no zip64 field with it");
    }
    long wide = bytes.getLong(zip64Next);
    zip64Next += Long.BYTES;
    if (wide < 0) {
      throw malformed(
          "a number in the zip64 field of " + Long.toUnsignedString(wide) + ", above 2^63 - 1");
    }
    return wide;
  }

  private MalformedFileException malformed(String reason) {
    return new MalformedFileException(file, headerOffset, "ZIP_EXTRA", reason);
  }
}
