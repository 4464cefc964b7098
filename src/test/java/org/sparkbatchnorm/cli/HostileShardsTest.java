package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.job.LocalSpark;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * One bad shard among good ones, through the command: exit code 3, one line that names code and
 * file, and nothing written. The readers' own tests have every variant; here is one of each kind.
 */
class HostileShardsTest {
  private static final String ENTRY = "{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}";

  @TempDir private Path folder;

  /** The command finds it, and leaves it running. */
  @BeforeAll
  static void startSession() {
    LocalSpark.session();
  }

  static Stream<Arguments> safetensors() {
    return Stream.of(
        Arguments.of("HEADER_TRUNCATED", new byte[5]),
        Arguments.of("HEADER_TRUNCATED", length(1_000, "{}", 0)),
        Arguments.of("HEADER_TOO_LARGE", length(-1, "{}", 0)),
        Arguments.of("HEADER_JSON", header("[]", 0)),
        Arguments.of("TRAILING_TOKENS", header("{} {}", 0)),
        Arguments.of("HEADER_UTF8", length(4, new byte[] {'{', '"', (byte) 0xFF, '"'}, 0)),
        Arguments.of("HEADER_DEPTH", header("{\"a\":" + "[".repeat(100_000), 0)),
        Arguments.of("DUPLICATE_KEY", header("{\"a\":" + ENTRY + ",\"\\u0061\":" + ENTRY + "}", 8)),
        Arguments.of("NOT_AN_INTEGER", tensor("F32", "[2.0,1]", "[0,8]", 8)),
        Arguments.of("NEGATIVE_DIM", tensor("F32", "[-1]", "[0,8]", 8)),
        Arguments.of("BAD_OFFSET", tensor("F32", "[2,1]", "[8,0]", 8)),
        Arguments.of("SIZE_OVERFLOW", tensor("F32", "[4294967296,4294967296]", "[0,8]", 8)),
        Arguments.of("RANK_TOO_LARGE", tensor("F32", "[" + ones(33) + "]", "[0,4]", 4)),
        Arguments.of("OVERLAP", header("{\"a\":" + ENTRY + ",\"b\":" + ENTRY + "}", 8)),
        Arguments.of("HOLE", tensor("F32", "[2,1]", "[8,16]", 16)),
        Arguments.of("DATA_TRUNCATED", tensor("F32", "[2,1]", "[0,8]", 7)),
        Arguments.of("TRAILING_BYTES", tensor("F32", "[2,1]", "[0,8]", 9)),
        Arguments.of("SIZE_MISMATCH", tensor("F32", "[3,1]", "[0,8]", 8)),
        Arguments.of("DTYPE", tensor("f32", "[2,1]", "[0,8]", 8)),
        Arguments.of("HEADER_FIELD", header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2,1]}}", 8)),
        Arguments.of("METADATA", header("{\"__metadata__\":{\"a\":1},\"b\":" + ENTRY + "}", 8)),
        Arguments.of(
            "NAME_TOO_LONG", header("{\"" + "n".repeat(2_000_000) + "\":" + ENTRY + "}", 8)),
        Arguments.of("SHAPE_MISMATCH", tensor("F32", "[1,2]", "[0,8]", 8)),
        Arguments.of("RANK_TOO_SMALL", tensor("F32", "[2]", "[0,8]", 8)));
  }

  static Stream<Arguments> npy() {
    byte[] good = npyFile();
    byte[] magic = good.clone();
    magic[1] = 'n';
    byte[] version = good.clone();
    version[6] = 4;
    byte[] longHeader = good.clone();
    longHeader[9] = 0x7F;
    return Stream.of(
        Arguments.of("MAGIC", magic),
        Arguments.of("VERSION", version),
        Arguments.of("HEADER_TOO_LARGE", longHeader),
        Arguments.of("OBJECT_ARRAY", npy("'|O'", "(2, 1)", 8)),
        Arguments.of("DTYPE", npy("[('a', '<f4')]", "(2, 1)", 8)),
        Arguments.of("HEADER_DICT", npy("'<f4'", "(((((2, 1", 8)),
        Arguments.of("SIZE_OVERFLOW", npy("'<f4'", "(1099511627776, 1099511627776)", 8)),
        Arguments.of("NEGATIVE_DIM", npy("'<f4'", "(-1, 1)", 8)),
        Arguments.of("HEADER_DICT", npy("'<f4'", "(True, 1)", 8)),
        Arguments.of("DATA_TRUNCATED", npy("'<f4'", "(2, 1)", 7)),
        Arguments.of("TRAILING_BYTES", npy("'<f4'", "(2, 1)", 9)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("safetensors")
  void aBadSafetensorsFile(String code, byte[] content) throws IOException {
    write("in/good-1.safetensors", tensor("F32", "[2,1]", "[0,8]", 8));
    write("in/x.safetensors", content);
    write("in/z-good.safetensors", tensor("F32", "[2,1]", "[0,8]", 8));
    assertRefused("x.safetensors", code);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("npy")
  void aBadNpyFile(String code, byte[] content) throws IOException {
    write("in/good.npy", npyFile());
    write("in/x.npy", content);
    assertRefused("x.npy", code);
  }

  @Test
  void aPipeInsteadOfAFile() throws IOException, InterruptedException {
    write("in/good.npy", npyFile());
    Path pipe = folder.resolve("in/x.npy");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    assertRefused("x.npy", "NOT_A_REGULAR_FILE");
  }

  @Test
  void aFolderThatIsNotThere() {
    assertRefused("in", "IO_NOT_FOUND");
  }

  /** A name may not move the cursor, forge a line, or be taken for a path. */
  @Test
  void namesOfAnyCharactersAreEscapedWherePrinted() throws IOException {
    String name = "../../\\u001b[2J\\nerror: forged\\u0000";
    write("in/x.safetensors", header("{\"" + name + "\":" + ENTRY + "}", 8));
    CommandRun run = recalibrate();
    assertThat(run.exitCode()).isEqualTo(Main.DONE);
    assertThat(run.out()).contains("../../\\u001b[2J\\u000aerror: forged\\u0000");
    assertThat(run.out()).doesNotContain("\u001b", "\u0000", "\nerror");
  }

  private CommandRun recalibrate() {
    return CommandRun.of(
        "recalibrate",
        "--input",
        folder.resolve("in").toString(),
        "--output",
        folder.resolve("out/bn.safetensors").toString(),
        "--report",
        folder.resolve("out/report.json").toString());
  }

  private void assertRefused(String file, String code) {
    CommandRun run = recalibrate();
    assertThat(run.exitCode()).isEqualTo(Main.BAD_DATA);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith("error: " + folder).contains(file, ": " + code + ": ");
    // One line, no stack trace, and no longer than a screen.
    assertThat(run.err().lines()).hasSize(1);
    assertThat(run.err()).hasSizeLessThan(2_000).doesNotContain("Exception");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  private void write(String file, byte[] content) throws IOException {
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    Files.write(path, content);
  }

  private static String ones(int count) {
    return IntStream.range(0, count).mapToObj(i -> "1").collect(Collectors.joining(","));
  }

  private static byte[] tensor(String dtype, String shape, String offsets, int dataBytes) {
    return header(
        "{\"bn\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}}"
            .formatted(dtype, shape, offsets),
        dataBytes);
  }

  private static byte[] header(String json, int dataBytes) {
    return length(json.getBytes(StandardCharsets.UTF_8).length, json, dataBytes);
  }

  private static byte[] length(long length, String json, int dataBytes) {
    return length(length, json.getBytes(StandardCharsets.UTF_8), dataBytes);
  }

  private static byte[] length(long length, byte[] header, int dataBytes) {
    return ByteBuffer.allocate(Long.BYTES + header.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(length)
        .put(header)
        .array();
  }

  private static byte[] npyFile() {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes(
        NpyHeader.of(DType.F32, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, Shape.of(2, 1))
            .toBytes());
    file.writeBytes(new byte[8]);
    return file.toByteArray();
  }

  private static byte[] npy(String descr, String shape, int dataBytes) {
    byte[] dict =
        "{'descr': %s, 'fortran_order': False, 'shape': %s, }\n"
            .formatted(descr, shape)
            .getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(10 + dict.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0})
        .putShort((short) dict.length)
        .put(dict)
        .array();
  }
}
