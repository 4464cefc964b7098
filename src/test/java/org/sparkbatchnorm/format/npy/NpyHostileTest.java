package org.sparkbatchnorm.format.npy;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.sparkbatchnorm.format.npy.NpyFiles.HEADER;
import static org.sparkbatchnorm.format.npy.NpyFiles.dict;
import static org.sparkbatchnorm.format.npy.NpyFiles.file;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** Every violation has its code, the byte where it shows, and a sentence on found and expected. */
class NpyHostileTest {
  private static final String GOOD = dict("'<f4'", "False", "(2,)");
  private static final String TYPES = "expected one of f2, f4, f8, i1, i2, i4, i8, u1, u2, u4";

  @ParameterizedTest(name = "{1} {2}")
  @MethodSource({"starts", "types", "dicts", "shapes", "lengths"})
  void isRejected(ReadableBytes file, String code, long offset, String reason) {
    assertThatThrownBy(() -> NpyHeader.read(file))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(NpyFiles.NAME + " at byte " + offset + ": " + code + ": " + reason);
  }

  static Stream<Arguments> starts() {
    String magic = ", but an npy file begins with 0x93 N U M P Y";
    return Stream.of(
        raw(new byte[] {'P', 'K', 3, 4}, "MAGIC", 0, "byte 0x50" + magic),
        raw(with(3, 'n'), "MAGIC", 3, "byte 0x6e" + magic),
        raw(first(0), "HEADER_TRUNCATED", 0, "the file has 0 bytes, but its header ends at 8"),
        raw(first(5), "HEADER_TRUNCATED", 5, "the file has 5 bytes, but its header ends at 8"),
        raw(first(7), "HEADER_TRUNCATED", 7, "the file has 7 bytes, but its header ends at 8"),
        raw(first(9), "HEADER_TRUNCATED", 9, "the file has 9 bytes, but its header ends at 10"),
        raw(
            first(40),
            "HEADER_TRUNCATED",
            40,
            "the file has 40 bytes, but its header ends at " + (HEADER + GOOD.length())),
        raw(with(6, 0), "VERSION", 6, "npy version 0.0, expected 1.0, 2.0 or 3.0"),
        raw(with(6, 4), "VERSION", 6, "npy version 4.0, expected 1.0, 2.0 or 3.0"),
        raw(with(7, 1), "VERSION", 6, "npy version 1.1, expected 1.0, 2.0 or 3.0"),
        raw(
            with(8, 255, 255),
            "HEADER_TOO_LARGE",
            8,
            "header of 65535 bytes, expected at most 10000"),
        raw(
            NpyFiles.bytes(2, new byte[10_001], 0),
            "HEADER_TOO_LARGE",
            8,
            "header of 10001 bytes, expected at most 10000"),
        raw(
            with(6, 2, 0, 255, 255, 255, 255),
            "HEADER_TOO_LARGE",
            8,
            "header of 4294967295 bytes, expected at most 10000"));
  }

  static Stream<Arguments> types() {
    String nested = "structured and subarray types are not supported, ";
    return Stream.of(
        descr("'|O'", "OBJECT_ARRAY", "'|O' holds pickled objects, which are never loaded"),
        descr("'O'", "OBJECT_ARRAY", "'O' holds pickled objects, which are never loaded"),
        descr("'|O8'", "OBJECT_ARRAY", "'|O8' holds pickled objects, which are never loaded"),
        descr("[('a', '<f4'), ('b', '|O')]", "DTYPE", nested + TYPES),
        descr("('<f4', (2,))", "DTYPE", nested + TYPES),
        descr("'<M8[ns]'", "DTYPE", "'<M8[ns]' is not supported, " + TYPES),
        descr("'<m8'", "DTYPE", "'<m8' is not supported, " + TYPES),
        descr("'<c8'", "DTYPE", "'<c8' is not supported, " + TYPES),
        descr("'|b1'", "DTYPE", "'|b1' is not supported, " + TYPES),
        descr("'|S4'", "DTYPE", "'|S4' is not supported, " + TYPES),
        descr("'<U4'", "DTYPE", "'<U4' is not supported, " + TYPES),
        descr("'|V2'", "DTYPE", "'|V2' is not supported, " + TYPES),
        descr("'<u8'", "DTYPE", "'<u8' is not supported, " + TYPES),
        descr("'<f16'", "DTYPE", "'<f16' is not supported, " + TYPES),
        descr("'|f4'", "DTYPE", "'|f4' is not supported, " + TYPES),
        descr("'f4'", "DTYPE", "'f4' is not supported, " + TYPES),
        descr("'!f4'", "DTYPE", "'!f4' is not supported, " + TYPES),
        descr("''", "DTYPE", "'' is not supported, " + TYPES),
        descr("None", "HEADER_DICT", "found 'N', expected descr as a string"));
  }

  static Stream<Arguments> dicts() {
    return Stream.of(
        header("", 0, "the header ends, expected a dict literal"),
        header("   ", 3, "the header ends, expected a dict literal"),
        header("(1, 2)", 0, "found '(', expected a dict literal"),
        header("(".repeat(9_000), 0, "found '(', expected a dict literal"),
        header("dict(descr='<f4')", 0, "found 'd', expected a dict literal"),
        header("{", 1, "the header ends, expected a key"),
        header("{}", 0, "no key 'descr'"),
        header("{,}", 1, "found ',', expected a key"),
        header("{b'descr': '<f4'}", 1, "found 'b', expected a key"),
        header("{'descr'", 8, "the header ends, expected ':'"),
        header("{'descr': '<f4", 14, "the header ends, expected the end of a string"),
        header("{'descr': '\\x3cf4'}", 11, backslash()),
        header(
            "{'descr': '<f4\0'}",
            14,
            "found byte 0x00, expected a string of plain ASCII without escapes"),
        header(
            "{'d\u00e9scr': '<f4'}",
            3,
            "found byte 0xc3, expected a string of plain ASCII without escapes"),
        header("{'descr': '<' + 'f4'}", 10, "'<' is not supported, " + TYPES, "DTYPE"),
        header("{'descr': '<f4' 'x'}", 16, "found ''', expected ',' or '}'"),
        header("{'descr': '<f4', 'descr': '<f4'}", 17, "second key 'descr'"),
        header(
            "{'fortran_order': False, 'fortran_order': False}", 25, "second key 'fortran_order'"),
        header("{'shape': (), 'shape': ()}", 14, "second key 'shape'"),
        header("{'descr': '<f4', 'fortran_order': False}", 0, "no key 'shape'"),
        header("{'descr': '<f4', 'shape': ()}", 0, "no key 'fortran_order'"),
        header("{'extra': 1}", 1, "unknown key 'extra', expected descr, fortran_order, shape"),
        header("{'fortran_order': 0}", 18, "found '0', expected fortran_order as True or False"),
        header("{'fortran_order': true}", 18, "found 't', expected fortran_order as True or False"),
        header("{'fortran_order': Falsey}", 23, "found 'y', expected ',' or '}'"),
        header(
            GOOD + "x",
            GOOD.length(),
            "found 'x', expected nothing but white space after the dict"),
        header(
            GOOD + "\0",
            GOOD.length(),
            "found byte 0x00, expected nothing but white space after the dict"),
        header("{'descr': " + "(".repeat(100), 26, "brackets nested deeper than 16"),
        header("{'descr': {}}", 10, "found '{', expected descr as a string"));
  }

  static Stream<Arguments> shapes() {
    String integer = ", expected an axis length as a decimal integer";
    return Stream.of(
        shape(
            "(1099511627776, 1099511627776)",
            "SIZE_OVERFLOW",
            0,
            "the size of shape [1099511627776, 1099511627776] exceeds 2^63 - 1 bytes"),
        shape(
            "(4611686018427387904,)",
            "SIZE_OVERFLOW",
            0,
            "the size of shape [4611686018427387904] exceeds 2^63 - 1 bytes"),
        shape(
            "(0, 9223372036854775807, 2)",
            "SIZE_OVERFLOW",
            0,
            "the size of shape [0, 9223372036854775807, 2] exceeds 2^63 - 1 bytes"),
        shape(
            "(9223372036854775808,)",
            "SIZE_OVERFLOW",
            1,
            "axis length 9223372036854775808 exceeds 2^63 - 1"),
        shape("(-1,)", "NEGATIVE_DIM", 1, "axis length -1 in shape"),
        shape("(2, -0)", "NEGATIVE_DIM", 4, "axis length -0 in shape"),
        shape("(True,)", "HEADER_DICT", 1, "found 'T'" + integer),
        shape("(3.0,)", "HEADER_DICT", 2, "found '.', expected ',' or ')'"),
        shape("(3L,)", "HEADER_DICT", 2, "found 'L', expected ',' or ')'"),
        shape("(1_0,)", "HEADER_DICT", 2, "found '_', expected ',' or ')'"),
        shape("(0x10,)", "HEADER_DICT", 2, "found 'x', expected ',' or ')'"),
        shape("(+1,)", "HEADER_DICT", 1, "found '+'" + integer),
        shape("(-,)", "HEADER_DICT", 1, "found '-'" + integer),
        shape("(01,)", "HEADER_DICT", 1, "found '0'" + integer),
        shape("(,)", "HEADER_DICT", 1, "found ','" + integer),
        shape("('2',)", "HEADER_DICT", 1, "found '''" + integer),
        shape("(2 3)", "HEADER_DICT", 3, "found '3', expected ',' or ')'"),
        shape("(2,,3)", "HEADER_DICT", 3, "found ','" + integer),
        shape("(2)", "HEADER_DICT", 0, "shape is a number in parentheses, expected a tuple"),
        shape("2", "HEADER_DICT", 0, "found '2', expected shape as a tuple"),
        shape("[2]", "HEADER_DICT", 0, "found '[', expected shape as a tuple"),
        shape("(".repeat(5_000), "HEADER_DICT", 1, "found '('" + integer),
        shape("(" + "1, ".repeat(33) + ")", "RANK_TOO_LARGE", 97, "shape has more than 32 axes"));
  }

  static Stream<Arguments> lengths() {
    int data = HEADER + GOOD.length();
    return Stream.of(
        arguments(
            file(GOOD, 7),
            "DATA_TRUNCATED",
            data + 7,
            "dtype F32 and shape [2] take 8 bytes, but the file holds 7"),
        arguments(
            file(GOOD, 0),
            "DATA_TRUNCATED",
            data,
            "dtype F32 and shape [2] take 8 bytes, but the file holds 0"),
        arguments(file(GOOD, 9), "TRAILING_BYTES", data + 8, "1 bytes after the end of the array"),
        arguments(
            file(dict("'<f8'", "False", "(0,)"), 3),
            "TRAILING_BYTES",
            data,
            "3 bytes after the end of the array"));
  }

  private static String backslash() {
    return "found '\\', expected a string of plain ASCII without escapes";
  }

  private static Arguments descr(String descr, String code, String reason) {
    String header = dict(descr, "False", "(2,)");
    return arguments(file(header, 8), code, HEADER + "{'descr': ".length(), reason);
  }

  private static Arguments shape(String shape, String code, int inShape, String reason) {
    String header = dict("'<f4'", "False", shape);
    int offset = HEADER + header.indexOf("'shape': ") + "'shape': ".length() + inShape;
    return arguments(file(header, 8), code, offset, reason);
  }

  private static Arguments header(String header, int inHeader, String reason) {
    return header(header, inHeader, reason, "HEADER_DICT");
  }

  private static Arguments header(String header, int inHeader, String reason, String code) {
    return arguments(file(header, 8), code, HEADER + inHeader, reason);
  }

  private static Arguments raw(byte[] file, String code, long offset, String reason) {
    return arguments(ReadableBytes.of(NpyFiles.NAME, file), code, offset, reason);
  }

  private static byte[] first(int bytes) {
    return Arrays.copyOf(good(), bytes);
  }

  private static byte[] with(int offset, int... values) {
    byte[] file = good();
    for (int i = 0; i < values.length; i++) {
      file[offset + i] = (byte) values[i];
    }
    return file;
  }

  private static byte[] good() {
    return NpyFiles.bytes(1, GOOD.getBytes(StandardCharsets.US_ASCII), 8);
  }
}
