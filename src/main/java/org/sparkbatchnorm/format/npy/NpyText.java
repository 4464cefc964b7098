package org.sparkbatchnorm.format.npy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * Arrays of rank 0 that hold a text ({@code numpy.array("text")}): type {@code <U5}, five code
 * points of 4 bytes, filled up with zeros.
 */
final class NpyText {
  private static final Pattern UNICODE = Pattern.compile("([<>=])U([0-9]{1,9})");

  /** Four times as many bytes. */
  private static final int MAX_CODE_POINTS = 1 << 22;

  private NpyText() {}

  /**
   * Reads it.
   *
   * @return empty if the array is of another type or rank
   * @throws MalformedFileException with a code of {@link NpyHeader#read}, or TEXT: more than
   *     4,194,304 code points, or something else than code points
   */
  static Optional<String> read(ReadableBytes file) throws IOException {
    HeaderReader.Header header = HeaderReader.read(file, Descr.Vocabulary.ANY);
    Matcher type = UNICODE.matcher(header.dict().descr());
    if (!type.matches() || header.dict().shape().rank() > 0) {
      return Optional.empty();
    }
    int codePoints = Integer.parseInt(type.group(2));
    if (codePoints > MAX_CODE_POINTS) {
      throw new MalformedFileException(
          file.name(),
          header.dataOffset(),
          "TEXT",
          codePoints + " code points, expected at most " + MAX_CODE_POINTS);
    }
    HeaderReader.requireLength(
        file, header.dataOffset(), (long) codePoints * Integer.BYTES, type.group());
    byte[] bytes = new byte[codePoints * Integer.BYTES];
    file.readFully(header.dataOffset(), bytes, 0, bytes.length);
    ByteOrder order = type.group(1).equals(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    return Optional.of(text(file.name(), header.dataOffset(), ByteBuffer.wrap(bytes).order(order)));
  }

  private static String text(String file, long offset, ByteBuffer bytes)
      throws MalformedFileException {
    StringBuilder text = new StringBuilder(bytes.limit() / Integer.BYTES);
    int end = bytes.limit();
    while (end > 0 && bytes.getInt(end - Integer.BYTES) == 0) {
      end -= Integer.BYTES;
    }
    for (int at = 0; at < end; at += Integer.BYTES) {
      int codePoint = bytes.getInt(at);
      if (!Character.isValidCodePoint(codePoint)
          || Character.getType(codePoint) == Character.SURROGATE) {
        throw new MalformedFileException(
            file, offset + at, "TEXT", String.format("0x%08x is no code point", codePoint));
      }
      text.appendCodePoint(codePoint);
    }
    return text.toString();
  }

  /**
   * The whole npy file of a text.
   *
   * @throws IllegalArgumentException if it has more than 4,194,304 code points
   */
  static byte[] toBytes(String text) {
    int[] codePoints = text.codePoints().toArray();
    if (codePoints.length > MAX_CODE_POINTS) {
      throw new IllegalArgumentException(
          "a text of " + codePoints.length + " code points, expected at most " + MAX_CODE_POINTS);
    }
    byte[] header = HeaderBytes.of("<U" + codePoints.length, ElementOrder.ROW_MAJOR, Shape.of());
    ByteBuffer file =
        ByteBuffer.allocate(header.length + codePoints.length * Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    file.put(header);
    for (int codePoint : codePoints) {
      file.putInt(codePoint);
    }
    return file.array();
  }
}
