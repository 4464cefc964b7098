package org.sparkbatchnorm.format.npy;

import java.util.Arrays;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/** The dict of an npy header: three keys in any order, each exactly once. Use once. */
final class DictParser {
  /** numpy's limit before version 2. */
  private static final int MAX_RANK = 32;

  private final LiteralScanner literal;
  private final Descr.Vocabulary vocabulary;

  private String descr;
  private ElementOrder order;
  private Shape shape;

  /** A dict that stands at this offset in the file. */
  DictParser(String file, int headerOffset, byte[] header, Descr.Vocabulary vocabulary) {
    this.literal = new LiteralScanner(file, headerOffset, header);
    this.vocabulary = vocabulary;
  }

  NpyDict parse() throws MalformedFileException {
    final long start = literal.offset();
    literal.expect('{', "a dict literal");
    while (!literal.takes('}')) {
      item();
      if (literal.peek() != '}') {
        literal.expect(',', "',' or '}'");
      }
    }
    if (literal.peek() != LiteralScanner.END) {
      throw literal.unexpected("nothing but white space after the dict");
    }
    requirePresent(descr, "descr", start);
    requirePresent(order, "fortran_order", start);
    requirePresent(shape, "shape", start);
    return new NpyDict(descr, order, shape);
  }

  private void item() throws MalformedFileException {
    long start = literal.offset();
    String key = literal.string("a key");
    literal.expect(':', "':'");
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
          throw literal.malformed(
              start,
              "HEADER_DICT",
              "unknown key '" + key + "', expected descr, fortran_order, shape");
    }
  }

  private String descr() throws MalformedFileException {
    long start = literal.offset();
    int first = literal.peek();
    if (first == '[' || first == '(') {
      literal.requireModestDepth();
      throw literal.malformed(
          start,
          "DTYPE",
          "structured and subarray types are not supported, expected one of " + vocabulary.words());
    }
    String word = literal.string("descr as a string");
    if (Descr.isObject(word)) {
      throw literal.malformed(
          start, "OBJECT_ARRAY", "'" + word + "' holds pickled objects, which are never loaded");
    }
    if (!vocabulary.knows(word)) {
      throw literal.malformed(
          start, "DTYPE", "'" + word + "' is not supported, expected one of " + vocabulary.words());
    }
    return word;
  }

  private ElementOrder order() throws MalformedFileException {
    if (literal.takesWord("False")) {
      return ElementOrder.ROW_MAJOR;
    }
    if (literal.takesWord("True")) {
      return ElementOrder.COLUMN_MAJOR;
    }
    throw literal.unexpected("fortran_order as True or False");
  }

  private Shape shape() throws MalformedFileException {
    final long start = literal.offset();
    literal.expect('(', "shape as a tuple");
    long[] dimensions = new long[MAX_RANK];
    int rank = 0;
    boolean comma = true;
    while (!literal.takes(')')) {
      if (!comma) {
        throw literal.unexpected("',' or ')'");
      }
      if (rank == MAX_RANK) {
        throw literal.malformed(
            literal.offset(), "RANK_TOO_LARGE", "shape has more than " + MAX_RANK + " axes");
      }
      dimensions[rank++] = dimension();
      comma = literal.takes(',');
    }
    if (rank == 1 && !comma) {
      throw literal.malformed(
          start, "HEADER_DICT", "shape is a number in parentheses, expected a tuple");
    }
    return shape(Arrays.copyOf(dimensions, rank), start);
  }

  private Shape shape(long[] dimensions, long start) throws MalformedFileException {
    try {
      Shape parsed = Shape.of(dimensions);
      // No element is wider than 8 bytes, so their bytes can be counted as well.
      Math.multiplyExact(parsed.elements(), Double.BYTES);
      return parsed;
    } catch (ArithmeticException e) {
      throw literal.malformed(
          start,
          "SIZE_OVERFLOW",
          "the size of shape " + Arrays.toString(dimensions) + " exceeds 2^63 - 1 bytes");
    }
  }

  private long dimension() throws MalformedFileException {
    long start = literal.offset();
    String digits = literal.integer("an axis length as a decimal integer");
    if (digits.startsWith("-")) {
      throw literal.malformed(start, "NEGATIVE_DIM", "axis length " + digits + " in shape");
    }
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException e) {
      throw literal.malformed(
          start, "SIZE_OVERFLOW", "axis length " + digits + " exceeds 2^63 - 1");
    }
  }

  private void requireFirst(Object value, String key, long start) throws MalformedFileException {
    if (value != null) {
      throw literal.malformed(start, "HEADER_DICT", "second key '" + key + "'");
    }
  }

  private void requirePresent(Object value, String key, long start) throws MalformedFileException {
    if (value == null) {
      throw literal.malformed(start, "HEADER_DICT", "no key '" + key + "'");
    }
  }
}
