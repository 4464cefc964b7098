package org.sparkbatchnorm.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code inspect} on safetensors files that are none: one line, a code, exit code 3. */
class HostileSafetensorsTest {
  private static final String FOUR_BYTES = entry("a", "F32", "1", "0,4");

  @TempDir private Path folder;

  private static String entry(String name, String dtype, String shape, String offsets) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%s]}"
        .formatted(name, dtype, shape, offsets);
  }

  /** A header of one tensor in braces, and so many bytes of data. */
  private static byte[] one(String entry, int dataBytes) {
    return file("{" + entry + "}", dataBytes);
  }

  /** The characters of the header stand for bytes. */
  private static byte[] file(String header, int dataBytes) {
    return declaring(header.length(), header, dataBytes);
  }

  private static byte[] declaring(long headerBytes, String header, int dataBytes) {
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length() + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    return file.putLong(headerBytes).put(header.getBytes(ISO_8859_1)).array();
  }

  private static String withShape(String shape) {
    return entry("a", "F32", shape, "0,4");
  }

  private static String withOffsets(String offsets) {
    return entry("a", "F32", "1", offsets);
  }

  static Stream<Arguments> files() {
    String sizes = "9223372036854775807";
    return Stream.of(
        // 1
        arguments("7 bytes", "HEADER_TRUNCATED", new byte[7]),
        arguments("header longer than the file", "HEADER_TRUNCATED", declaring(3, "{}", 0)),
        arguments("100,000,001 bytes", "HEADER_TOO_LARGE", declaring(100_000_001, "{}", 0)),
        arguments("negative length", "HEADER_TOO_LARGE", declaring(-1, "{}", 0)),
        // 2
        arguments("length 0", "HEADER_JSON", file("", 0)),
        arguments("{", "HEADER_JSON", file("{", 0)),
        arguments("[]", "HEADER_JSON", file("[]", 0)),
        arguments("null", "HEADER_JSON", file("null", 0)),
        arguments("a string", "HEADER_JSON", file("\"x\"", 0)),
        arguments("two documents", "TRAILING_TOKENS", file("{}{}", 0)),
        // 3
        arguments("byte 0xFF", "HEADER_UTF8", file("{\"\u00ff\":0}", 0)),
        arguments("overlong NUL", "HEADER_UTF8", file("{\"\u00c0\u0080\":0}", 0)),
        arguments("surrogate in UTF-8", "HEADER_UTF8", file("{\"\u00ed\u00a0\u0080\":0}", 0)),
        arguments("lone surrogate", "HEADER_UTF8", one(entry("\\ud800", "F32", "1", "0,4"), 4)),
        arguments("100,000 brackets", "HEADER_DEPTH", file("[".repeat(100_000), 0)),
        // 4
        arguments("a key twice", "DUPLICATE_KEY", one(FOUR_BYTES + "," + FOUR_BYTES, 4)),
        arguments(
            "a key in two ways",
            "DUPLICATE_KEY",
            one(FOUR_BYTES + "," + entry("\\u0061", "F32", "1", "4,8"), 8)),
        arguments(
            "a field twice",
            "DUPLICATE_KEY",
            one("\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[]}", 4)),
        // 5
        arguments("shape NaN", "HEADER_JSON", one(withShape("NaN"), 4)),
        arguments("shape 0x10", "HEADER_JSON", one(withShape("0x10"), 4)),
        arguments("shape +1", "HEADER_JSON", one(withShape("+1"), 4)),
        arguments("offset 01", "HEADER_JSON", one(withOffsets("0,01"), 4)),
        arguments("shape 1e3", "NOT_AN_INTEGER", one(withShape("1e3"), 4)),
        arguments("offset 4.0", "NOT_AN_INTEGER", one(withOffsets("0,4.0"), 4)),
        arguments("shape -1", "NEGATIVE_DIM", one(withShape("-1"), 4)),
        arguments("offset -4", "BAD_OFFSET", one(withOffsets("-4,0"), 4)),
        arguments("reversed offsets", "BAD_OFFSET", one(withOffsets("4,0"), 4)),
        // 6
        arguments("2 x 2^63-1", "SIZE_OVERFLOW", one(withShape("2," + sizes), 4)),
        arguments("2^32 x 2^32", "SIZE_OVERFLOW", one(withShape("4294967296,4294967296"), 4)),
        arguments("33 axes", "RANK_TOO_LARGE", one(withShape("1" + ",1".repeat(32)), 4)),
        // 7
        arguments("overlap", "OVERLAP", one(FOUR_BYTES + "," + entry("b", "F32", "1", "2,6"), 6)),
        arguments("hole", "HOLE", one(FOUR_BYTES + "," + entry("b", "F32", "1", "5,9"), 9)),
        arguments("one byte short", "DATA_TRUNCATED", one(FOUR_BYTES, 3)),
        arguments("one byte too many", "TRAILING_BYTES", one(FOUR_BYTES, 5)),
        // 8
        arguments("shape unlike range", "SIZE_MISMATCH", one(entry("a", "F32", "2", "0,4"), 4)),
        arguments("unknown dtype", "DTYPE", one(entry("a", "Q7", "1", "0,4"), 4)),
        arguments("lower-case dtype", "DTYPE", one(entry("a", "f32", "1", "0,4"), 4)),
        arguments("field missing", "HEADER_FIELD", one("\"a\":{\"dtype\":\"F32\"}", 4)),
        arguments("field unknown", "HEADER_FIELD", one("\"a\":{\"x\":1}", 4)),
        arguments("metadata number", "METADATA", one("\"__metadata__\":{\"a\":1}", 0)),
        arguments("metadata object", "METADATA", one("\"__metadata__\":{\"a\":{}}", 0)),
        // 9
        arguments(
            "100,001 tensors",
            "TOO_MANY_TENSORS",
            one(
                IntStream.rangeClosed(0, 100_000)
                    .mapToObj(i -> entry("t" + i, "F32", "0", "0,0"))
                    .collect(Collectors.joining(",")),
                0)),
        arguments(
            "a name of 20 MB",
            "NAME_TOO_LONG",
            one(entry("n".repeat(20_000_000), "F32", "1", "0,4"), 4)));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("files")
  void aMalformedFileIsOneLineWithItsCode(String what, String code, byte[] content)
      throws IOException {
    Path file = Files.write(folder.resolve("x.safetensors"), content);
    CommandRun.of("inspect", file).requireBadData(file, code);
    CommandRun.of("inspect", "--json", folder).requireBadData(file, code);
  }

  /** Accepted, escaped in the table, and never a path. */
  @Test
  void namesThatWouldMoveTheCursorArePrintedEscaped() throws IOException {
    Path file = Files.createDirectories(folder.resolve("a/b")).resolve("x.safetensors");
    String name = "\\u0000\\n\\u001b[31m../../x";
    Files.write(file, one(entry(name, "F32", "1,1", "0,4"), 4));
    CommandRun run = CommandRun.of("inspect", "--layer-pattern", "(?s)(?<layer>.*)", file);
    assertThat(run.requireDone().out())
        .contains("\\u0000\\u000a\\u001b[31m../../x")
        .doesNotContain("\u0000", "\u001b");
    CommandRun json =
        CommandRun.of("inspect", "--json", "--layer-pattern", "(?s)(?<layer>.*)", file);
    assertThat(json.requireDone().out()).contains("\"\\u0000\\n\\u001B[31m../../x\"");
    Files.write(file, one(entry(name, "F32", "1,1", "0,8"), 8));
    CommandRun.of("inspect", file).requireBadData(file, "SIZE_MISMATCH");
    assertThat(folder.resolve("x")).doesNotExist();
  }
}
