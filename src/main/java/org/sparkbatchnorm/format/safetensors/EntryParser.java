package org.sparkbatchnorm.format.safetensors;

import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.safetensors.JsonScanner.JsonNumber;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/**
 * One tensor's entry in the header: three fields, each exactly once, which must agree with each
 * other and with the length of the file. Use once.
 */
final class EntryParser {
  private static final int MAX_WORD_BYTES = 100;

  private final JsonScanner json;
  private final String name;
  private final long dataOffset;
  private final long fileBytes;
  private final OtherTypes otherTypes;

  private String type;
  private long typeOffset;
  private long shapeOffset;
  private Shape shape;
  private long rangeOffset;
  private long[] range;

  EntryParser(
      JsonScanner json, String name, long dataOffset, long fileBytes, OtherTypes otherTypes) {
    this.json = json;
    this.name = name;
    this.dataOffset = dataOffset;
    this.fileBytes = fileBytes;
    this.otherTypes = otherTypes;
  }

  PlacedArray parse() throws IOException {
    final long start = json.offset();
    if (json.peek() != '{') {
      throw json.wrongKind("HEADER_FIELD", "the entry of " + quoted() + " must be an object");
    }
    json.expect('{');
    if (!json.takes('}')) {
      do {
        field();
      } while (json.takes(','));
      json.expect('}');
    }
    requireField(type, "dtype", start);
    requireField(shape, "shape", start);
    requireField(range, "data_offsets", start);
    return located();
  }

  private void field() throws IOException {
    long start = json.offset();
    String field = json.string(MAX_WORD_BYTES, "HEADER_FIELD");
    json.expect(':');
    switch (field) {
      case "dtype" -> {
        requireFirst(type, field, start);
        typeOffset = json.offset();
        type = type();
      }
      case "shape" -> {
        requireFirst(shape, field, start);
        shapeOffset = json.offset();
        shape = shape();
      }
      case "data_offsets" -> {
        requireFirst(range, field, start);
        rangeOffset = json.offset();
        range = range();
      }
      default ->
          throw json.malformed(
              start,
              "HEADER_FIELD",
              "unknown field "
                  + Limits.quoted(field)
                  + " in the entry of "
                  + quoted()
                  + ", expected dtype, shape, data_offsets");
    }
  }

  private String type() throws IOException {
    if (json.peek() != '"') {
      throw json.wrongKind("HEADER_FIELD", "dtype of " + quoted() + " must be a string");
    }
    String word = json.string(MAX_WORD_BYTES, "DTYPE");
    if (DType.ofName(word).isEmpty()
        && (otherTypes == OtherTypes.REFUSED || OpaqueType.ofName(word).isEmpty())) {
      throw json.malformed(
          typeOffset,
          "DTYPE",
          "dtype "
              + Limits.quoted(word)
              + " of "
              + quoted()
              + " is not supported, expected one of "
              + DType.names());
    }
    return word;
  }

  private Shape shape() throws IOException {
    requireArray("shape");
    long[] dimensions = new long[Limits.RANK];
    int rank = 0;
    if (!json.takes(']')) {
      do {
        long start = json.offset();
        if (rank == Limits.RANK) {
          throw json.malformed(
              start, "RANK_TOO_LARGE", "shape of " + quoted() + " has more than 32 axes");
        }
        dimensions[rank++] = dimension(integer("shape"), start);
      } while (json.takes(','));
      json.expect(']');
    }
    try {
      return Shape.of(Arrays.copyOf(dimensions, rank));
    } catch (ArithmeticException e) {
      throw tooManyElements();
    }
  }

  private long dimension(JsonNumber number, long start) throws MalformedFileException {
    if (number.isNegative()) {
      throw json.malformed(
          start, "NEGATIVE_DIM", "axis length " + number.text() + " in the shape of " + quoted());
    }
    if (!number.isLong()) {
      throw json.malformed(
          start,
          "SIZE_OVERFLOW",
          "axis length " + number.text() + " in the shape of " + quoted() + " exceeds 2^63 - 1");
    }
    return number.value();
  }

  private long[] range() throws IOException {
    requireArray("data_offsets");
    long begin = position(0);
    json.expect(',');
    long end = position(1);
    if (json.peek() == ',') {
      throw json.malformed(
          rangeOffset, "BAD_OFFSET", "data_offsets of " + quoted() + " has more than 2 numbers");
    }
    json.expect(']');
    if (begin > end) {
      throw json.malformed(
          rangeOffset,
          "BAD_OFFSET",
          "data_offsets of " + quoted() + " are reversed: [" + begin + ", " + end + "]");
    }
    return new long[] {begin, end};
  }

  private long position(int found) throws IOException {
    if (json.peek() == ']') {
      throw json.malformed(
          rangeOffset,
          "BAD_OFFSET",
          "data_offsets of " + quoted() + " has " + found + " numbers, expected 2");
    }
    long start = json.offset();
    JsonNumber number = integer("data_offsets");
    if (number.isNegative() || !number.isLong()) {
      throw json.malformed(
          start,
          "BAD_OFFSET",
          "offset "
              + number.text()
              + " in data_offsets of "
              + quoted()
              + " is not in 0 .. 2^63 - 1");
    }
    return number.value();
  }

  private JsonNumber integer(String field) throws IOException {
    long start = json.offset();
    if (!json.atNumber()) {
      throw json.wrongKind("NOT_AN_INTEGER", field + " of " + quoted() + " must hold integers");
    }
    JsonNumber number = json.number();
    if (!number.isInteger()) {
      throw json.malformed(
          start,
          "NOT_AN_INTEGER",
          number.text() + " in " + field + " of " + quoted() + " is not written as an integer");
    }
    return number;
  }

  private PlacedArray located() throws MalformedFileException {
    Optional<DType> dtype = DType.ofName(type);
    long bytes;
    try {
      bytes =
          dtype.isPresent()
              ? Math.multiplyExact(shape.elements(), dtype.get().bytes())
              : OpaqueType.valueOf(type).bytes(shape.elements());
    } catch (ArithmeticException e) {
      throw tooManyElements();
    }
    if (range[1] > fileBytes - dataOffset) {
      throw json.malformed(
          fileBytes,
          "DATA_TRUNCATED",
          quoted()
              + " ends at byte "
              + range[1]
              + " of the data, but the file holds "
              + (fileBytes - dataOffset));
    }
    if (range[1] - range[0] != bytes) {
      throw json.malformed(
          rangeOffset,
          "SIZE_MISMATCH",
          quoted()
              + " of dtype "
              + type
              + " and shape "
              + shape
              + " takes "
              + bytes
              + " bytes, but data_offsets give "
              + (range[1] - range[0]));
    }
    long offset = dataOffset + range[0];
    return dtype.isPresent()
        ? new SafetensorsTensor(name, dtype.get(), shape, offset, bytes)
        : new OpaqueTensor(name, type, shape, offset, bytes);
  }

  private MalformedFileException tooManyElements() {
    return json.malformed(
        shapeOffset, "SIZE_OVERFLOW", "the size of " + quoted() + " exceeds 2^63 - 1 bytes");
  }

  private void requireArray(String field) throws IOException {
    if (!json.takes('[')) {
      throw json.wrongKind("HEADER_FIELD", field + " of " + quoted() + " must be an array");
    }
  }

  private void requireFirst(Object value, String field, long start) throws MalformedFileException {
    if (value != null) {
      throw json.malformed(
          start, "DUPLICATE_KEY", "second " + field + " in the entry of " + quoted());
    }
  }

  private void requireField(Object value, String field, long start) throws MalformedFileException {
    if (value == null) {
      throw json.malformed(start, "HEADER_FIELD", "no " + field + " in the entry of " + quoted());
    }
  }

  private String quoted() {
    return Limits.quoted(name);
  }
}
