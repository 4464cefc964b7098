package org.sparkbatchnorm.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code inspect} on npy files that are none: one line, a code, exit code 3. */
class HostileNpyTest {
  private static final String MAGIC = "\u0093NUMPY";
  private static final String DICT = dict("'<f4'", "False", "(2, 3)");
  private static final int DATA_BYTES = 24;

  @TempDir private Path folder;

  private static String dict(String descr, String fortranOrder, String shape) {
    return "{'descr': %s, 'fortran_order': %s, 'shape': %s, }"
        .formatted(descr, fortranOrder, shape);
  }

  private static byte[] file(String header, int dataBytes) {
    return file(MAGIC + "\u0001\u0000", header.length(), header, dataBytes);
  }

  /** The characters of magic and header stand for bytes. */
  private static byte[] file(String magic, int headerBytes, String header, int dataBytes) {
    ByteBuffer file =
        ByteBuffer.allocate(magic.length() + 2 + header.length() + dataBytes)
            .order(ByteOrder.LITTLE_ENDIAN);
    file.put(magic.getBytes(ISO_8859_1)).putShort((short) headerBytes);
    return file.put(header.getBytes(ISO_8859_1)).array();
  }

  private static byte[] withDescr(String descr) {
    return file(dict(descr, "False", "(2, 3)"), DATA_BYTES);
  }

  private static byte[] withShape(String shape) {
    return file(dict("'<f4'", "False", shape), DATA_BYTES);
  }

  static Stream<Arguments> files() {
    return Stream.of(
        // 13
        arguments("magic", "MAGIC", file("\u0093NUMPX\u0001\u0000", 2, "{}", 0)),
        arguments("text", "MAGIC", "1.0,2.0,3.0\n".getBytes(ISO_8859_1)),
        arguments("version 4.0", "VERSION", file(MAGIC + "\u0004\u0000", 2, "{}", 0)),
        arguments(
            "header beyond the file",
            "HEADER_TRUNCATED",
            file(MAGIC + "\u0001\u0000", 1000, DICT, DATA_BYTES)),
        arguments("header of 10,001 bytes", "HEADER_TOO_LARGE", file(DICT + " ".repeat(10_001), 0)),
        // 14
        arguments("objects", "OBJECT_ARRAY", withDescr("'|O'")),
        arguments("structured", "DTYPE", withDescr("[('a', '<f4')]")),
        arguments("subarray", "DTYPE", withDescr("('<f4', (2,))")),
        arguments("datetime", "DTYPE", withDescr("'<M8[s]'")),
        // 15
        arguments("no dict", "HEADER_DICT", file("dict(descr='<f4')", DATA_BYTES)),
        arguments("code", "HEADER_DICT", file("__import__('os').system('x')", DATA_BYTES)),
        arguments("deep parentheses", "HEADER_DICT", withShape("(".repeat(5000))),
        arguments(
            "a key twice",
            "HEADER_DICT",
            file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4)),
        arguments("a key missing", "HEADER_DICT", file("{'descr': '<f4', 'shape': ()}", 4)),
        arguments(
            "a key too many",
            "HEADER_DICT",
            file("{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 1}", 4)),
        arguments("bytes after it", "HEADER_DICT", file(DICT + "x", DATA_BYTES)),
        // 17
        arguments("2^40 x 2^40", "SIZE_OVERFLOW", withShape("(1099511627776, 1099511627776)")),
        arguments("-1", "NEGATIVE_DIM", withShape("(-1,)")),
        arguments("True", "HEADER_DICT", withShape("(True,)")),
        arguments("3.0", "HEADER_DICT", withShape("(3.0,)")),
        arguments("one byte short", "DATA_TRUNCATED", file(DICT, DATA_BYTES - 1)),
        arguments("one byte too many", "TRAILING_BYTES", file(DICT, DATA_BYTES + 1)));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("files")
  void aMalformedFileIsOneLineWithItsCode(String what, String code, byte[] content)
      throws IOException {
    Path file = Files.write(folder.resolve("x.npy"), content);
    CommandRun.of("inspect", file).requireBadData(file, code);
    CommandRun.of("inspect", "--json", folder).requireBadData(file, code);
  }

  // 16
  @ParameterizedTest
  @ValueSource(strings = {"'<f4', False", "'>f4', False", "'<f4', True", "'>f4', True"})
  void eitherByteOrderAndEitherElementOrderIsAccepted(String descrAndOrder) throws IOException {
    String[] words = descrAndOrder.split(", ", -1);
    Path file = folder.resolve("x.npy");
    Files.write(file, file(dict(words[0], words[1], "(2, 3)"), DATA_BYTES));
    assertThat(CommandRun.of("inspect", "--json", file).requireDone().out())
        .isEqualTo(
            "{\"kind\":\"activations\",\"format\":\"npy\",\"metadata\":{},\"layers\":[{\"name\":"
                + "\"x\",\"channels\":3,\"dtype\":\"F32\",\"tensors\":1,\"miniBatches\":1,"
                + "\"valuesPerChannel\":2,\"bytes\":24}]}\n");
  }
}
