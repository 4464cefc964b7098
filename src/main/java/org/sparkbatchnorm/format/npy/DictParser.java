package org.sparkbatchnorm.format.npy;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * The dict literal of an npy header. Of Python's grammar it knows what numpy writes: a dict of
 * strings without escapes, the words True and False, decimal integers and one tuple, with optional
 * white space and trailing commas. Use once.
 */
final class DictParser {
  /** Structured types nest; deeper than this is no type. */
  private static final int MAX_DEPTH = 16;

  private static final int MAX_RANK = 32;
  private static final int END = -1;

  private final String file;
  private final int headerOffset;
  private final byte[] literal;
  private int next;

  private Descr descr;
  private ElementOrder order;
  private Shape shape;

  DictParser(String file, int headerOffset, byte[] literal) {
    this.file = file;
    this.headerOffset = headerOffset;
    this.literal = literal;
  }

  NpyHeader parse() throws MalformedFileException {
    expect('{', "a dict literal");
    while (peek() != '}') {
      item();
      if (peek() != '}') {
        expect(',', "',' or '}'");
      }
    }
    expect('}', "'}'");
    if (peek() != END) {
      throw malformed(next, "HEADER_DICT", "the header goes on after its dict");
    }
    requirePresent(descr, "descr");
    requirePresent(order, "fortran_order");
    requirePresent(shape, "shape");
    return new NpyHeader(
        descr.dtype(), descr.byteOrder(), order, shape, (long) headerOffset + literal.length);
  }

  private void item() throws MalformedFileException {
    peek();
    int start = next;
    String key = string("a key");
    expect(':', "':'");
    switch (key) {
      case "descr" -> {
        requireFirst(descr, key, start);
        descr = descr();
      }
      case "fortran_order" -> {
        requireFirst(order, key, start);
        order = order();
      }
      case "shape" -> {
        requireFirst(shape, key, start);
        shape = shape();
      }
      default ->
          throw malformed(
              start,
              "HEADER_DICT",
              "unknown key '" + key + "', expected descr, fortran_order, shape");
    }
  }

  private Descr descr() throws MalformedFileException {
    int first = peek();
    int start = next;
    if (first == '[' || first == '(') {
      requireModestDepth();
      throw malformed(
          start,
          "DTYPE",
          "structured and subarray types are not supported, expected one of " + Descr.words());
    }
    String word = string("descr as a string");
    if (Descr.isObject(word)) {
      throw malformed(
          start, "OBJECT_ARRAY", "'" + word + "' holds pickled objects, which are never loaded");
    }
    return Descr.parse(word)
        .orElseThrow(
            () ->
                malformed(
                    start,
                    "DTYPE",
                    "'" + word + "' is not supported, expected one of " + Descr.words()));
  }

  private ElementOrder order() throws MalformedFileException {
    peek();
    if (takesWord("False")) {
      return ElementOrder.ROW_MAJOR;
    }
    if (takesWord("True")) {
      return ElementOrder.COLUMN_MAJOR;
    }
    throw unexpected("fortran_order as True or False");
  }

  private Shape shape() throws MalformedFileException {
    peek();
    final int start = next;
    expect('(', "shape as a tuple");
    long[] dimensions = new long[MAX_RANK];
    int rank = 0;
    boolean comma = true;
    while (peek() != ')') {
      if (!comma) {
        throw unexpected("',' or ')'");
      }
      if (rank == MAX_RANK) {
        throw malformed(next, "RANK_TOO_LARGE", "shape has more than " + MAX_RANK + " axes");
      }
      dimensions[rank++] = dimension();
      comma = peek() == ',';
      if (comma) {
        next++;
      }
    }
    next++;
    if (rank == 1 && !comma) {
      throw malformed(start, "HEADER_DICT", "shape is a number in parentheses, expected a tuple");
    }
    return shape(Arrays.copyOf(dimensions, rank), start);
  }

  private Shape shape(long[] dimensions, int start) throws MalformedFileException {
    try {
      Shape parsed = Shape.of(dimensions);
      // No element is wider than 8 bytes: their bytes can be counted as well.
      Math.multiplyExact(parsed.elements(), Double.BYTES);
      return parsed;
    } catch (ArithmeticException e) {
      throw malformed(
          start,
          "SIZE_OVERFLOW",
          "the size of shape " + Arrays.toString(dimensions) + " overflows");
    }
  }

  private long dimension() throws MalformedFileException {
    int start = next;
    boolean negative = literal[next] == '-';
    if (negative) {
      next++;
    }
    int digits = next;
    while (next < literal.length && literal[next] >= '0' && literal[next] <= '9') {
      next++;
    }
    String text = new String(literal, start, next - start, StandardCharsets.ISO_8859_1);
    if (next == digits || (next - digits > 1 && literal[digits] == '0')) {
      next = start;
      throw unexpected("an axis length as a decimal integer");
    }
    if (negative) {
      throw malformed(start, "NEGATIVE_DIM", "axis length " + text);
    }
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw malformed(start, "SIZE_OVERFLOW", "axis length " + text + " exceeds 2^63 - 1");
    }
  }

  private String string(String expected) throws MalformedFileException {
    int quote = peek();
    if (quote != '\'' && quote != '"') {
      throw unexpected(expected);
    }
    next++;
    int start = next;
    while (next < literal.length && literal[next] != quote) {
      if (literal[next] < ' ' || literal[next] == 0x7f || literal[next] == '\\') {
        throw unexpected("a string of plain ASCII without escapes");
      }
      next++;
    }
    if (next == literal.length) {
      throw unexpected("the end of a string");
    }
    return new String(literal, start, next++ - start, StandardCharsets.US_ASCII);
  }

  private void requireModestDepth() throws MalformedFileException {
    int depth = 0;
    for (int i = next; i < literal.length; i++) {
      switch (literal[i]) {
        case '(', '[', '{' -> depth++;
        case ')', ']', '}' -> depth--;
        default -> {}
      }
      if (depth > MAX_DEPTH) {
        throw malformed(i, "HEADER_DICT", "brackets nested deeper than " + MAX_DEPTH);
      }
    }
  }

  private boolean takesWord(String word) {
    int end = next + word.length();
    boolean found =
        end <= literal.length
            && word.equals(new String(literal, next, word.length(), StandardCharsets.ISO_8859_1));
    if (found) {
      next = end;
    }
    return found;
  }

  /** Next byte that is not white space, which stays; {@link #END} if there is none. */
  private int peek() {
    while (next < literal.length
        && (literal[next] == ' '
            || literal[next] == '\n'
            || literal[next] == '\r'
            || literal[next] == '\t')) {
      next++;
    }
    return next < literal.length ? literal[next] & 0xff : END;
  }

  private void expect(char symbol, String expected) throws MalformedFileException {
    if (peek() != symbol) {
      throw unexpected(expected);
    }
    next++;
  }

  private void requireFirst(Object value, String key, int start) throws MalformedFileException {
    if (value != null) {
      throw malformed(start, "HEADER_DICT", "second key '" + key + "'");
    }
  }

  private void requirePresent(Object value, String key) throws MalformedFileException {
    if (value == null) {
      throw malformed(0, "HEADER_DICT", "no key '" + key + "'");
    }
  }

  private MalformedFileException unexpected(String expected) {
    String found =
        next == literal.length
            ? "the header ends"
            : literal[next] > ' ' && literal[next] < 0x7f
                ? "found '" + (char) literal[next] + "'"
                : String.format("found byte 0x%02x", literal[next] & 0xff);
    return malformed(next, "HEADER_DICT", found + ", expected " + expected);
  }

  private MalformedFileException malformed(int position, String code, String reason) {
    return new MalformedFileException(file, (long) headerOffset + position, code, reason);
  }
}
