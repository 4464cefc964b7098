package org.sparkbatchnorm.format.safetensors;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.sparkbatchnorm.format.safetensors.Files.entry;
import static org.sparkbatchnorm.format.safetensors.Files.file;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** Every violation has its code, the byte where it shows, and a sentence on found and expected. */
class SafetensorsHostileTest {
  private static final String A = entry("a", "F32", "[2]", "[0,8]");

  @ParameterizedTest(name = "{1} {2}")
  @MethodSource({"lengths", "texts", "keys", "numbers", "fields", "ranges", "metadata"})
  void isRejected(ReadableBytes file, String code, long offset, String reason) {
    assertThatThrownBy(() -> SafetensorsHeader.read(file))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(Files.NAME + " at byte " + offset + ": " + code + ": " + reason);
  }

  static Stream<Arguments> lengths() {
    return Stream.of(
        arguments(
            file(new byte[0]),
            "HEADER_TRUNCATED",
            0,
            "the file has 0 bytes, but a header's length alone takes 8"),
        arguments(
            file(new byte[7]),
            "HEADER_TRUNCATED",
            7,
            "the file has 7 bytes, but a header's length alone takes 8"),
        arguments(
            length(3, 2),
            "HEADER_TRUNCATED",
            10,
            "header of 3 bytes, but only 2 are left in the file"),
        arguments(
            length(100_000_000, 2),
            "HEADER_TRUNCATED",
            10,
            "header of 100000000 bytes, but only 2 are left in the file"),
        arguments(
            length(100_000_001, 2),
            "HEADER_TOO_LARGE",
            0,
            "header of 100000001 bytes, expected at most 100000000"),
        arguments(
            length(-1, 2),
            "HEADER_TOO_LARGE",
            0,
            "header of 18446744073709551615 bytes, expected at most 100000000"),
        arguments(
            length(Long.MIN_VALUE, 2),
            "HEADER_TOO_LARGE",
            0,
            "header of 9223372036854775808 bytes, expected at most 100000000"));
  }

  static Stream<Arguments> texts() {
    String surrogate = "lone surrogate \\ud800";
    return Stream.of(
        text("", "HEADER_JSON", 8, "the header ends, expected a JSON object"),
        text("   ", "HEADER_JSON", 11, "the header ends, expected a JSON object"),
        text("{", "HEADER_JSON", 9, "the header ends, expected a string"),
        text("{\"a", "HEADER_JSON", 11, "the header ends in a string"),
        text("[]", "HEADER_JSON", 8, "the header must be a JSON object, found an array"),
        text("null", "HEADER_JSON", 8, "the header must be a JSON object, found null"),
        text("true", "HEADER_JSON", 8, "the header must be a JSON object, found a boolean"),
        text("\"x\"", "HEADER_JSON", 8, "the header must be a JSON object, found a string"),
        text("12.5e-3", "HEADER_JSON", 8, "the header must be a JSON object, found a number"),
        text("nul", "HEADER_JSON", 11, "the header ends, expected the word null"),
        text("{]", "HEADER_JSON", 9, "found ']', expected a string"),
        text("{a:1}", "HEADER_JSON", 9, "found 'a', expected a string"),
        text("{'a':1}", "HEADER_JSON", 9, "found ''', expected a string"),
        text("{\"__metadata__\":{},}", "HEADER_JSON", 27, "found '}', expected a string"),
        text("{\"a\" 1}", "HEADER_JSON", 13, "found '1', expected ':'"),
        text("{\"a\nb\":1}", "HEADER_JSON", 11, "control character in a string"),
        text("{\"a\\x\":1}", "HEADER_JSON", 11, "unknown escape in a string"),
        text(
            "{\"\\u12g4\":1}", "HEADER_JSON", 10, "\\u is not followed by four hexadecimal digits"),
        text("{}{}", "TRAILING_TOKENS", 10, "the header goes on after its JSON object"),
        text("{} \0", "TRAILING_TOKENS", 11, "the header goes on after its JSON object"),
        // An encoding other than UTF-8 is not guessed.
        text("{\0}\0", "HEADER_JSON", 9, "found byte 0x00, expected a string"),
        bytes(notUtf8(0xff), "byte 0xff is not UTF-8 at this place", 11),
        bytes(notUtf8(0x80), "byte 0x80 is not UTF-8 at this place", 11),
        // Overlong: '/' in two bytes, U+07FF in three, U+FFFF in four.
        bytes(notUtf8(0xc0, 0xaf), "byte 0xc0 is not UTF-8 at this place", 11),
        bytes(notUtf8(0xe0, 0x9f, 0xbf), "byte 0x9f is not UTF-8 at this place", 12),
        bytes(notUtf8(0xf0, 0x8f, 0xbf, 0xbf), "byte 0x8f is not UTF-8 at this place", 12),
        // A surrogate, a code point above U+10FFFF, a character without its end.
        bytes(notUtf8(0xed, 0xa0, 0x80), "byte 0xa0 is not UTF-8 at this place", 12),
        bytes(notUtf8(0xf4, 0x90, 0x80, 0x80), "byte 0x90 is not UTF-8 at this place", 12),
        bytes(notUtf8(0xe2, 0x82), "byte 0x22 is not UTF-8 at this place", 13),
        bytes(new byte[] {'{', (byte) 0xe2}, "the header ends within a character", 10),
        text("{\"a\\ud800\":1}", "HEADER_UTF8", 11, surrogate),
        text("{\"a\\ud800x\":1}", "HEADER_UTF8", 11, surrogate),
        text("{\"a\\ud800\\n\":1}", "HEADER_UTF8", 11, surrogate),
        text("{\"a\\ud800\\ud800\":1}", "HEADER_UTF8", 11, surrogate),
        text("{\"\\udc00\":1}", "HEADER_UTF8", 10, "lone surrogate \\udc00"),
        text("[".repeat(100_000), "HEADER_DEPTH", 72, "values nested deeper than 64"),
        text("{\"a\":" + "[".repeat(100_000), "HEADER_DEPTH", 77, "values nested deeper than 64"),
        text(
            "{\"__metadata__\":{\"k\":" + "{\"\\\"\":".repeat(100_000),
            "HEADER_DEPTH",
            413,
            "values nested deeper than 64"));
  }

  static Stream<Arguments> keys() {
    String b = entry("a", "F32", "[2]", "[8,16]");
    return Stream.of(
        json("{" + A + "," + b + "}", "DUPLICATE_KEY", b, "second 'a' in the same object"),
        json(
            "{" + A + "," + b.replace("\"a\"", "\"\\u0061\"") + "}",
            "DUPLICATE_KEY",
            "\"\\u0061\"",
            "second 'a' in the same object"),
        json(
            "{\"a\":{\"dtype\":\"F32\",\"dt\\u0079pe\":\"F32\"}}",
            "DUPLICATE_KEY",
            "\"dt\\",
            "second dtype in the entry of 'a'"),
        json(
            "{\"a\":{\"shape\":[],\"shape\":[]}}",
            "DUPLICATE_KEY",
            "\"shape\":[]}",
            "second shape in the entry of 'a'"),
        json(
            "{\"a\":{\"data_offsets\":[0,8], \"data_offsets\":[0,8]}}",
            "DUPLICATE_KEY",
            "\"data_offsets\":[0,8]}",
            "second data_offsets in the entry of 'a'"),
        json(
            "{\"__metadata__\":{}, \"__metadata__\":{}}",
            "DUPLICATE_KEY",
            "\"__metadata__\":{}}",
            "second '__metadata__' in the same object"));
  }

  static Stream<Arguments> numbers() {
    String axis = "axis length ";
    String in = " in the shape of 'a'";
    String large = "9223372036854775807";
    String size = "the size of 'a' exceeds 2^63 - 1 bytes";
    String outside = " in data_offsets of 'a' is not in 0 .. 2^63 - 1";
    return Stream.of(
        shape("[NaN]", "HEADER_JSON", "NaN", "found 'N', expected a value"),
        shape("[0x10]", "HEADER_JSON", "x10", "found 'x', expected ']'"),
        shape("[+1]", "HEADER_JSON", "+1", "found '+', expected a value"),
        shape("[01]", "HEADER_JSON", "1],", "found '1', expected ']'"),
        shape("[-]", "HEADER_JSON", "],", "found ']', expected a value"),
        shape("[1.]", "HEADER_JSON", "],", "found ']', expected a value"),
        shape("[1e]", "HEADER_JSON", "],", "found ']', expected a value"),
        shape("[1,]", "HEADER_JSON", "],", "found ']', expected a value"),
        shape("[1e3]", "NOT_AN_INTEGER", "1e3", number("1e3", "shape")),
        shape("[1.0]", "NOT_AN_INTEGER", "1.0", number("1.0", "shape")),
        shape("[1E+2]", "NOT_AN_INTEGER", "1E+2", number("1E+2", "shape")),
        shape("[\"2\"]", "NOT_AN_INTEGER", "\"2\"", integers("shape", "a string")),
        shape("[null]", "NOT_AN_INTEGER", "null", integers("shape", "null")),
        shape("[true]", "NOT_AN_INTEGER", "true", integers("shape", "a boolean")),
        shape("[[2]]", "NOT_AN_INTEGER", "[2]", integers("shape", "an array")),
        shape("[-1]", "NEGATIVE_DIM", "-1", axis + "-1" + in),
        shape("[-0]", "NEGATIVE_DIM", "-0", axis + "-0" + in),
        shape("[2," + large + "]", "SIZE_OVERFLOW", "[2,", size),
        shape("[4294967296,4294967296]", "SIZE_OVERFLOW", "[42", size),
        shape("[0," + large + ",2]", "SIZE_OVERFLOW", "[0,9", size),
        // Elements that can be counted, bytes that cannot.
        shape("[" + large + "]", "SIZE_OVERFLOW", "[92", size),
        shape(
            "[9223372036854775808]",
            "SIZE_OVERFLOW",
            "922",
            axis + "9223372036854775808" + in + " exceeds 2^63 - 1"),
        shape(
            "[" + "1".repeat(5000) + "]",
            "SIZE_OVERFLOW",
            "111",
            axis + "1".repeat(40) + in + " exceeds 2^63 - 1"),
        shape(
            "[" + "1,".repeat(32) + "1]",
            "RANK_TOO_LARGE",
            "1],",
            "shape of 'a' has more than 32 axes"),
        offsets("[-4,0]", "BAD_OFFSET", "-4", "offset -4" + outside),
        offsets("[0,-0]", "BAD_OFFSET", "-0", "offset -0" + outside),
        offsets(
            "[0,9223372036854775808]", "BAD_OFFSET", "922", "offset 9223372036854775808" + outside),
        offsets("[8,0]", "BAD_OFFSET", "[8,", "data_offsets of 'a' are reversed: [8, 0]"),
        offsets("[]", "BAD_OFFSET", "[]", "data_offsets of 'a' has 0 numbers, expected 2"),
        offsets("[0,]", "BAD_OFFSET", "[0,]", "data_offsets of 'a' has 1 numbers, expected 2"),
        offsets("[0,8,8]", "BAD_OFFSET", "[0,8,8]", "data_offsets of 'a' has more than 2 numbers"),
        offsets("[0,8.0]", "NOT_AN_INTEGER", "8.0", number("8.0", "data_offsets")),
        offsets("[0,8e0]", "NOT_AN_INTEGER", "8e0", number("8e0", "data_offsets")),
        offsets("[0,{}]", "NOT_AN_INTEGER", "{}]", integers("data_offsets", "an object")),
        offsets("[0,NaN]", "HEADER_JSON", "NaN", "found 'N', expected a value"),
        offsets("[0,08]", "HEADER_JSON", "8]", "found '8', expected ']'"));
  }

  static Stream<Arguments> fields() {
    String supported =
        " is not supported, expected one of F64, F32, F16, BF16, I64, I32, I16, I8, U32, U16, U8";
    return Stream.of(
        dtype("f32", "dtype 'f32' of 'a'" + supported),
        dtype("BOOL", "dtype 'BOOL' of 'a'" + supported),
        dtype("U64", "dtype 'U64' of 'a'" + supported),
        dtype("F8_E4M3", "dtype 'F8_E4M3' of 'a'" + supported),
        dtype("", "dtype '' of 'a'" + supported),
        dtype("F".repeat(1000), "a string longer than 100 bytes"),
        json(
            "{\"a\":5}", "HEADER_FIELD", "5", "the entry of 'a' must be an object, found a number"),
        json(
            "{\"a\":[]}",
            "HEADER_FIELD",
            "[",
            "the entry of 'a' must be an object, found an array"),
        json("{\"a\":{}}", "HEADER_FIELD", "{}", "no dtype in the entry of 'a'"),
        json("{\"a\":{\"dtype\":\"F32\"}}", "HEADER_FIELD", "{\"d", "no shape in the entry of 'a'"),
        json(
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}",
            "HEADER_FIELD",
            "{\"d",
            "no data_offsets in the entry of 'a'"),
        json(
            "{\"a\":{\"Shape\":[2]}}",
            "HEADER_FIELD",
            "\"Shape\"",
            "unknown field 'Shape' in the entry of 'a', expected dtype, shape, data_offsets"),
        json(
            "{\"a\":{\"dtype\":5}}",
            "HEADER_FIELD",
            "5",
            "dtype of 'a' must be a string, found a number"),
        json(
            "{\"a\":{\"shape\":{}}}",
            "HEADER_FIELD",
            "{}",
            "shape of 'a' must be an array, found an object"),
        json(
            "{\"a\":{\"data_offsets\":null}}",
            "HEADER_FIELD",
            "null",
            "data_offsets of 'a' must be an array, found null"));
  }

  static Stream<Arguments> ranges() {
    String one = "{" + A + "}";
    String gap = "{" + A + "," + entry("b", "F32", "[2]", "[12,20]") + "}";
    String overlap = "{" + A + "," + entry("b", "F32", "[2]", "[4,12]") + "}";
    String inside = "{" + A + "," + entry("b", "F32", "[0]", "[4,4]") + "}";
    String late = "{" + entry("a", "F32", "[2]", "[4,12]") + "}";
    return Stream.of(
        arguments(
            file(one, 7),
            "DATA_TRUNCATED",
            8 + one.length() + 7,
            "'a' ends at byte 8 of the data, but the file holds 7"),
        arguments(
            file("{" + entry("a", "F32", "[2]", "[0,9000]") + "}", 8),
            "DATA_TRUNCATED",
            8 + one.length() + 3 + 8,
            "'a' ends at byte 9000 of the data, but the file holds 8"),
        arguments(
            file(one, 9), "TRAILING_BYTES", 8 + one.length() + 8, "1 bytes after the end of 'a'"),
        arguments(file("{}", 22), "TRAILING_BYTES", 10, "22 bytes after the end of the header"),
        arguments(
            file(overlap, 12),
            "OVERLAP",
            8 + overlap.length() + 4,
            "'b' begins 4 bytes before the end of 'a'"),
        arguments(
            file(inside, 8),
            "OVERLAP",
            8 + inside.length() + 4,
            "'b' begins 4 bytes before the end of 'a'"),
        arguments(file(gap, 20), "HOLE", 8 + gap.length() + 8, "4 bytes between 'a' and 'b'"),
        arguments(file(late, 12), "HOLE", 8 + late.length(), "4 bytes between the header and 'a'"),
        arguments(
            file("{" + entry("a", "F32", "[3]", "[0,8]") + "}", 8),
            "SIZE_MISMATCH",
            8 + one.indexOf("[0,8]"),
            "'a' of dtype F32 and shape [3] takes 12 bytes, but data_offsets give 8"),
        arguments(
            file("{" + entry("a", "F64", "[]", "[0,0]") + "}", 0),
            "SIZE_MISMATCH",
            8 + one.indexOf("[0,8]") - 1,
            "'a' of dtype F64 and shape [] takes 8 bytes, but data_offsets give 0"));
  }

  static Stream<Arguments> metadata() {
    String under = "__metadata__ must hold strings under every key, also 'k', found ";
    return Stream.of(
        json(
            "{\"__metadata__\":null}",
            "METADATA",
            "null",
            "__metadata__ must be an object, found null"),
        json(
            "{\"__metadata__\":[]}",
            "METADATA",
            "[]",
            "__metadata__ must be an object, found an array"),
        json("{\"__metadata__\":{\"k\":1}}", "METADATA", "1", under + "a number"),
        json("{\"__metadata__\":{\"k\":{}}}", "METADATA", "{}", under + "an object"),
        json("{\"__metadata__\":{\"k\":null}}", "METADATA", "null", under + "null"),
        json(
            "{\"__metadata__\":{\"k\":\"1\", \"k\":\"2\"}}",
            "DUPLICATE_KEY",
            "\"k\":\"2\"",
            "second 'k' in the same object"));
  }

  private static String number(String found, String field) {
    return found + " in " + field + " of 'a' is not written as an integer";
  }

  private static String integers(String field, String found) {
    return field + " of 'a' must hold integers, found " + found;
  }

  private static Arguments shape(String shape, String code, String at, String reason) {
    return json("{" + entry("a", "F32", shape, "[0,8]") + "}", code, at, reason);
  }

  private static Arguments offsets(String offsets, String code, String at, String reason) {
    return json("{" + entry("a", "F32", "[2]", offsets) + "}", code, at, reason);
  }

  private static Arguments dtype(String dtype, String reason) {
    String header = "{" + entry("a", dtype, "[2]", "[0,8]") + "}";
    return arguments(file(header, 8), "DTYPE", 8 + header.indexOf(":\"") + 1, reason);
  }

  /** A header with 8 bytes of data, wrong where this piece of it begins. */
  private static Arguments json(String header, String code, String at, String reason) {
    return arguments(file(header, 8), code, 8 + header.indexOf(at), reason);
  }

  private static Arguments text(String header, String code, long offset, String reason) {
    return arguments(file(header, 0), code, offset, reason);
  }

  private static Arguments bytes(byte[] header, String reason, long offset) {
    return arguments(file(Files.bytes(header, 0)), "HEADER_UTF8", offset, reason);
  }

  private static byte[] notUtf8(int... inName) {
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    header.writeBytes("{\"a".getBytes(StandardCharsets.UTF_8));
    for (int value : inName) {
      header.write(value);
    }
    header.writeBytes("\":{}}".getBytes(StandardCharsets.UTF_8));
    return header.toByteArray();
  }

  private static ReadableBytes length(long declared, int bytesAfter) {
    ByteBuffer file = ByteBuffer.allocate(8 + bytesAfter).order(ByteOrder.LITTLE_ENDIAN);
    return file(file.putLong(declared).array());
  }
}
