package org.sparkbatchnorm.format.safetensors;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * JSON strings (RFC 8259, section 7), decoded from bytes that are known to be UTF-8. Half of a
 * surrogate pair, which JSON can write as an escape and UTF-8 cannot hold, is HEADER_UTF8. Not
 * thread-safe.
 */
final class JsonStrings {
  private final String file;
  private final Utf8Bytes bytes;
  private byte[] text = new byte[256];
  private int length;

  JsonStrings(String file, Utf8Bytes bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  /**
   * Takes the string whose opening quotation mark is the next byte.
   *
   * @param maxBytes its greatest length in UTF-8
   * @param code if it is longer, found before more than that is held
   */
  String take(int maxBytes, String code) throws IOException {
    final long start = bytes.offset();
    bytes.read();
    length = 0;
    for (int value = bytes.read(); value != '"'; value = bytes.read()) {
      if (value == Utf8Bytes.END) {
        throw malformed(bytes.offset(), "HEADER_JSON", "the header ends in a string");
      }
      if (value < ' ') {
        throw malformed(bytes.offset() - 1, "HEADER_JSON", "control character in a string");
      }
      if (value == '\\') {
        appendCodePoint(escape());
      } else {
        append(value);
      }
      if (length > maxBytes) {
        throw malformed(start, code, "a string longer than " + maxBytes + " bytes");
      }
    }
    return new String(text, 0, length, StandardCharsets.UTF_8);
  }

  private int escape() throws IOException {
    long start = bytes.offset() - 1;
    int symbol = bytes.read();
    return switch (symbol) {
      case '"', '\\', '/' -> symbol;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> escapedCodePoint(start);
      default -> throw malformed(start, "HEADER_JSON", "unknown escape in a string");
    };
  }

  private int escapedCodePoint(long start) throws IOException {
    char unit = escapedUnit(start);
    if (!Character.isSurrogate(unit)) {
      return unit;
    }
    if (Character.isHighSurrogate(unit) && bytes.peek() == '\\') {
      bytes.read();
      if (bytes.read() == 'u') {
        char low = escapedUnit(start);
        if (Character.isLowSurrogate(low)) {
          return Character.toCodePoint(unit, low);
        }
      }
    }
    throw malformed(start, "HEADER_UTF8", String.format("lone surrogate \\u%04x", (int) unit));
  }

  private char escapedUnit(long start) throws IOException {
    int unit = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(bytes.read(), 16);
      if (digit < 0) {
        throw malformed(start, "HEADER_JSON", "\\u is not followed by four hexadecimal digits");
      }
      unit = unit << 4 | digit;
    }
    return (char) unit;
  }

  private void appendCodePoint(int codePoint) {
    for (byte value : Character.toString(codePoint).getBytes(StandardCharsets.UTF_8)) {
      append(value);
    }
  }

  private void append(int value) {
    if (length == text.length) {
      text = Arrays.copyOf(text, 2 * text.length);
    }
    text[length++] = (byte) value;
  }

  private MalformedFileException malformed(long offset, String code, String reason) {
    return new MalformedFileException(file, offset, code, reason);
  }
}
