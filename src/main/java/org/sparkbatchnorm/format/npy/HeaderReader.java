package org.sparkbatchnorm.format.npy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** What stands before the elements of an npy file, whatever those are. */
final class HeaderReader {
  /** numpy's {@code _MAX_HEADER_SIZE}. */
  private static final int MAX_HEADER_BYTES = 10_000;

  static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  static final int VERSION_END = MAGIC.length + 2;

  private HeaderReader() {}

  /**
   * A header.
   *
   * @param dataOffset offset in the file of the first element
   */
  record Header(NpyDict dict, long dataOffset) {}

  /** Reads it, of an array whose type is one of these words. */
  static Header read(ReadableBytes file, Descr.Vocabulary vocabulary) throws IOException {
    int headerOffset = VERSION_END + lengthBytes(file);
    byte[] start = bytes(file, 0, headerOffset);
    ByteBuffer length = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN);
    long headerBytes =
        headerOffset - VERSION_END == Short.BYTES
            ? Short.toUnsignedLong(length.getShort(VERSION_END))
            : Integer.toUnsignedLong(length.getInt(VERSION_END));
    if (headerBytes > MAX_HEADER_BYTES) {
      throw new MalformedFileException(
          file.name(),
          VERSION_END,
          "HEADER_TOO_LARGE",
          "header of " + headerBytes + " bytes, expected at most " + MAX_HEADER_BYTES);
    }
    byte[] literal = bytes(file, headerOffset, (int) headerBytes);
    NpyDict dict = new DictParser(file.name(), headerOffset, literal, vocabulary).parse();
    return new Header(dict, headerOffset + headerBytes);
  }

  private static int lengthBytes(ReadableBytes file) throws IOException {
    byte[] found = new byte[(int) Math.min(MAGIC.length, file.length())];
    file.readFully(0, found, 0, found.length);
    int same = Arrays.mismatch(found, MAGIC);
    if (same >= 0 && same < found.length) {
      throw new MalformedFileException(
          file.name(),
          same,
          "MAGIC",
          String.format(
              "byte 0x%02x, but an npy file begins with 0x93 N U M P Y", found[same] & 0xff));
    }
    byte[] version = bytes(file, 0, VERSION_END);
    int major = version[MAGIC.length] & 0xff;
    int minor = version[MAGIC.length + 1] & 0xff;
    if (major < 1 || major > 3 || minor != 0) {
      throw new MalformedFileException(
          file.name(),
          MAGIC.length,
          "VERSION",
          "npy version " + major + "." + minor + ", expected 1.0, 2.0 or 3.0");
    }
    return major == 1 ? Short.BYTES : Integer.BYTES;
  }

  private static byte[] bytes(ReadableBytes file, int offset, int count) throws IOException {
    if (count > file.length() - offset) {
      throw new MalformedFileException(
          file.name(),
          file.length(),
          "HEADER_TRUNCATED",
          "the file has " + file.length() + " bytes, but its header ends at " + (offset + count));
    }
    byte[] bytes = new byte[count];
    file.readFully(offset, bytes, 0, count);
    return bytes;
  }

  /** Checks that so many bytes stand between here and the end of the file. */
  static void requireLength(ReadableBytes file, long dataOffset, long expected, String what)
      throws MalformedFileException {
    long found = file.length() - dataOffset;
    if (found < expected) {
      throw new MalformedFileException(
          file.name(),
          file.length(),
          "DATA_TRUNCATED",
          what + " take " + expected + " bytes, but the file holds " + found);
    }
    if (found > expected) {
      throw new MalformedFileException(
          file.name(),
          dataOffset + expected,
          "TRAILING_BYTES",
          found - expected + " bytes after the end of the array");
    }
  }
}
