package org.sparkbatchnorm.format.safetensors;

import java.io.IOException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * The tokens of a JSON text (RFC 8259), asked for one by one: the caller says what must come next.
 * What is not JSON is HEADER_JSON at its offset; what is JSON but not what was asked for is an
 * exception with the caller's code. Not thread-safe.
 */
final class JsonScanner {
  /** Nesting that is still looked into to say what is wrong; a valid header nests 3 deep. */
  static final int MAX_DEPTH = 64;

  private static final int MAX_NUMBER_TEXT = 40;

  private final ReadableBytes file;
  private final Utf8Bytes bytes;
  private final JsonStrings strings;

  JsonScanner(ReadableBytes file, long offset, long end) {
    this.file = file;
    this.bytes = new Utf8Bytes(file, offset, end);
    this.strings = new JsonStrings(file.name(), bytes);
  }

  /**
   * A JSON number.
   *
   * @param text as written, cut if very long
   * @param value what it says, or the nearest long
   * @param isInteger no fraction, no exponent
   * @param isLong whether {@code value} is exact
   */
  record JsonNumber(String text, long value, boolean isInteger, boolean isLong) {
    boolean isNegative() {
      return text.charAt(0) == '-';
    }
  }

  /** Offset in the file of the next token. */
  long offset() throws IOException {
    peek();
    return bytes.offset();
  }

  /** First byte of the next token, which stays; {@link Utf8Bytes#END} if there is none. */
  int peek() throws IOException {
    int value = bytes.peek();
    while (value == ' ' || value == '\n' || value == '\r' || value == '\t') {
      bytes.read();
      value = bytes.peek();
    }
    return value;
  }

  /** Takes the next token if it is this character. */
  boolean takes(char symbol) throws IOException {
    if (peek() != symbol) {
      return false;
    }
    bytes.read();
    return true;
  }

  /** Takes the next token, which must be this character. */
  void expect(char symbol) throws IOException {
    if (!takes(symbol)) {
      throw notJson("expected '" + symbol + "'");
    }
  }

  /** Whether a number comes next. */
  boolean atNumber() throws IOException {
    int value = peek();
    return value == '-' || isDigit(value);
  }

  /**
   * Takes a string.
   *
   * @param maxBytes its greatest length in UTF-8
   * @param code if it is longer, found before more than that is held
   */
  String string(int maxBytes, String code) throws IOException {
    if (peek() != '"') {
      throw notJson("expected a string");
    }
    return strings.take(maxBytes, code);
  }

  /** Takes a number. */
  JsonNumber number() throws IOException {
    StringBuilder written = new StringBuilder();
    boolean negative = peek() == '-';
    if (negative) {
      take(written);
    }
    long value = 0;
    boolean isLong = true;
    if (bytes.peek() == '0') {
      take(written);
    } else {
      requireDigit();
      while (isDigit(bytes.peek())) {
        int digit = take(written) - '0';
        isLong = isLong && value <= (Long.MAX_VALUE - digit) / 10;
        value = isLong ? 10 * value + digit : Long.MAX_VALUE;
      }
    }
    boolean isInteger = true;
    if (bytes.peek() == '.') {
      isInteger = false;
      take(written);
      takeDigits(written);
    }
    if (bytes.peek() == 'e' || bytes.peek() == 'E') {
      isInteger = false;
      take(written);
      if (bytes.peek() == '+' || bytes.peek() == '-') {
        take(written);
      }
      takeDigits(written);
    }
    return new JsonNumber(
        written.toString(), negative ? -value : value, isInteger, isLong && isInteger);
  }

  /**
   * The exception for a value that is not of the kind wanted: HEADER_JSON if no JSON value starts
   * here, HEADER_DEPTH if arrays and objects in it nest deeper than {@value #MAX_DEPTH}, else this
   * code.
   */
  MalformedFileException wrongKind(String code, String reason) throws IOException {
    long start = offset();
    int first = peek();
    switch (first) {
      case '[', '{' -> requireModestDepth();
      case 't' -> requireWord("true");
      case 'f' -> requireWord("false");
      case 'n' -> requireWord("null");
      case '"' -> {}
      default -> number();
    }
    String found =
        switch (first) {
          case '[' -> "an array";
          case '{' -> "an object";
          case '"' -> "a string";
          case 't', 'f' -> "a boolean";
          case 'n' -> "null";
          default -> "a number";
        };
    return malformed(start, code, reason + ", found " + found);
  }

  /** What is wrong at an offset. */
  MalformedFileException malformed(long offset, String code, String reason) {
    return new MalformedFileException(file.name(), offset, code, reason);
  }

  /** The exception for a next token that is none, or cannot stand there. */
  MalformedFileException notJson(String expected) throws IOException {
    int found = bytes.peek();
    String what =
        found == Utf8Bytes.END
            ? "the header ends"
            : found > ' ' && found < 0x7f
                ? "found '" + (char) found + "'"
                : String.format("found byte 0x%02x", found);
    return malformed(bytes.offset(), "HEADER_JSON", what + ", " + expected);
  }

  private void requireModestDepth() throws IOException {
    int depth = 0;
    do {
      switch (bytes.read()) {
        case '[', '{' -> depth++;
        case ']', '}' -> depth--;
        case '"' -> skipString();
        case Utf8Bytes.END -> throw notJson("expected the rest of a value");
        default -> {}
      }
      if (depth > MAX_DEPTH) {
        throw malformed(
            bytes.offset() - 1, "HEADER_DEPTH", "values nested deeper than " + MAX_DEPTH);
      }
    } while (depth > 0);
  }

  private void skipString() throws IOException {
    int value = bytes.read();
    while (value != '"' && value != Utf8Bytes.END) {
      if (value == '\\') {
        bytes.read();
      }
      value = bytes.read();
    }
  }

  private void requireWord(String word) throws IOException {
    for (int i = 0; i < word.length(); i++) {
      if (bytes.peek() != word.charAt(i)) {
        throw notJson("expected the word " + word);
      }
      bytes.read();
    }
  }

  private void takeDigits(StringBuilder written) throws IOException {
    requireDigit();
    while (isDigit(bytes.peek())) {
      take(written);
    }
  }

  private void requireDigit() throws IOException {
    if (!isDigit(bytes.peek())) {
      throw notJson("expected a value");
    }
  }

  private int take(StringBuilder written) throws IOException {
    int value = bytes.read();
    if (written.length() < MAX_NUMBER_TEXT) {
      written.append((char) value);
    }
    return value;
  }

  private static boolean isDigit(int value) {
    return value >= '0' && value <= '9';
  }
}
