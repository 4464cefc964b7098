package org.sparkbatchnorm.format.npy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * What an npy file holds, and how its elements lie in it.
 *
 * @param dtype type of the elements
 * @param byteOrder order of the bytes of each element; little-endian where an element is one byte
 * @param order which axis varies fastest
 * @param shape axis lengths, outermost first, as numpy shows them whatever the order; rank 0 is a
 *     scalar
 * @param dataOffset offset in the file of the first element
 */
public record NpyHeader(
    DType dtype, ByteOrder byteOrder, ElementOrder order, Shape shape, long dataOffset) {
  /** numpy's {@code _MAX_HEADER_SIZE}. */
  private static final int MAX_HEADER_BYTES = 10_000;

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int VERSION_END = MAGIC.length + 2;
  private static final int ALIGNMENT = 64;

  /**
   * The header that {@link #toBytes} writes for such an array.
   *
   * @throws IllegalArgumentException for BF16, which numpy has no word for
   */
  public static NpyHeader of(DType dtype, ByteOrder byteOrder, ElementOrder order, Shape shape) {
    NpyHeader header = new NpyHeader(dtype, byteOrder, order, shape, 0);
    return new NpyHeader(dtype, byteOrder, order, shape, header.toBytes().length);
  }

  /**
   * Reads and checks the header; of the data only the length is looked at.
   *
   * @throws MalformedFileException with one of these codes, and the offset of the token, data byte
   *     or end of file where it shows:
   *     <ul>
   *       <li>MAGIC, VERSION: not an npy file of version 1.0, 2.0 or 3.0
   *       <li>HEADER_TRUNCATED: the file ends before its header does
   *       <li>HEADER_TOO_LARGE: the header has more than 10,000 bytes
   *       <li>HEADER_DICT: the header is no dict literal with exactly the three keys
   *       <li>OBJECT_ARRAY: the data are pickled objects, which are never loaded
   *       <li>DTYPE: structured, subarray, datetime, or no type of {@link DType}
   *       <li>NEGATIVE_DIM, RANK_TOO_LARGE (above 32), SIZE_OVERFLOW: the shape
   *       <li>DATA_TRUNCATED, TRAILING_BYTES: the file is shorter or longer than the array
   *     </ul>
   *
   * @throws IOException if reading fails, or the file is shorter than it said
   */
  public static NpyHeader read(ReadableBytes file) throws IOException {
    return read(file, Descr.Vocabulary.NUMBERS);
  }

  /**
   * The same for an array of which only matters where it is 0: one of truth values as well, which
   * is taken for U8.
   *
   * @throws MalformedFileException as {@link #read}
   * @throws IOException as {@link #read}
   */
  public static NpyHeader readMask(ReadableBytes file) throws IOException {
    return read(file, Descr.Vocabulary.NUMBERS_AND_BOOLEANS);
  }

  private static NpyHeader read(ReadableBytes file, Descr.Vocabulary vocabulary)
      throws IOException {
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
    NpyHeader header = new DictParser(file.name(), headerOffset, literal, vocabulary).parse();
    header.requireLength(file);
    return header;
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

  private void requireLength(ReadableBytes file) throws MalformedFileException {
    long expected = shape.elements() * dtype.bytes();
    long found = file.length() - dataOffset;
    if (found < expected) {
      throw new MalformedFileException(
          file.name(),
          file.length(),
          "DATA_TRUNCATED",
          "dtype "
              + dtype
              + " and shape "
              + shape
              + " take "
              + expected
              + " bytes, but the file holds "
              + found);
    }
    if (found > expected) {
      throw new MalformedFileException(
          file.name(),
          dataOffset + expected,
          "TRAILING_BYTES",
          found - expected + " bytes after the end of the array");
    }
  }

  /**
   * A header of version 1.0 for such an array, padded so that its end, where the elements follow,
   * is a multiple of 64. {@link #dataOffset} plays no part in it.
   *
   * @throws IllegalArgumentException for BF16, which numpy has no word for
   */
  public byte[] toBytes() {
    String axes =
        Arrays.stream(shape.dimensions()).mapToObj(n -> n + ",").collect(Collectors.joining(" "));
    // As numpy prints tuples: (3,) but (3, 4).
    String tuple = shape.rank() > 1 ? axes.substring(0, axes.length() - 1) : axes;
    String dict =
        "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }"
            .formatted(
                Descr.of(dtype, byteOrder),
                order == ElementOrder.COLUMN_MAJOR ? "True" : "False",
                tuple);
    int used = VERSION_END + Short.BYTES + dict.length() + 1;
    int end = (used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ByteBuffer header = ByteBuffer.allocate(end).order(ByteOrder.LITTLE_ENDIAN);
    header.put(MAGIC).put((byte) 1).put((byte) 0);
    header.putShort((short) (end - VERSION_END - Short.BYTES));
    header.put(dict.getBytes(StandardCharsets.US_ASCII));
    while (header.remaining() > 1) {
      header.put((byte) ' ');
    }
    return header.put((byte) '\n').array();
  }
}
