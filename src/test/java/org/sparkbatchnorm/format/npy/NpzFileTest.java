package org.sparkbatchnorm.format.npy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.zip.ZipWriter;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

/** Archives of numpy's own (expected.json has what numpy says), ours, and broken ones. */
class NpzFileTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""), "src/test/resources/golden/npz/numpy-2.4.6");

  private static ReadableBytes golden(String name) throws IOException {
    return ReadableBytes.of(name, Files.readAllBytes(GOLDEN.resolve(name)));
  }

  static double[] values(NpzFile file, NpzArray array) throws IOException {
    DType dtype = array.header().dtype();
    double[] values = new double[(int) array.header().shape().elements()];
    byte[] bytes = new byte[values.length * dtype.bytes()];
    try (ReadableBytes content = file.archive().openChecked(array.entry())) {
      content.readFully(array.offset(), bytes, 0, bytes.length);
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(array.header().byteOrder());
    Elements.decode(dtype, buffer, values, values.length);
    return values;
  }

  @ParameterizedTest
  @ValueSource(strings = {"savez.npz", "compressed.npz", "others.npz", "flax.npz"})
  void filesHoldWhatNumpySays(String name) throws IOException {
    JsonNode expected = new ObjectMapper().readTree(GOLDEN.resolve("expected.json").toFile());
    NpzFile file = NpzFile.read(golden(name));
    List<String> names = new ArrayList<>();
    expected.get("files").get(name).fieldNames().forEachRemaining(names::add);
    assertThat(file.arrays()).extracting(NpzArray::name).containsExactlyElementsOf(names);
    for (NpzArray array : file.arrays()) {
      JsonNode there = expected.get("files").get(name).get(array.name());
      assertThat(array.header().shape().toString().replace(" ", ""))
          .as(array.name())
          .isEqualTo(there.get("shape").toString());
      double[] numbers = new double[there.get("values").size()];
      Arrays.setAll(numbers, i -> there.get("values").get(i).doubleValue());
      if (array.header().order() == ElementOrder.COLUMN_MAJOR) {
        // [2, 3]
        numbers =
            new double[] {numbers[0], numbers[3], numbers[1], numbers[4], numbers[2], numbers[5]};
      }
      assertThat(values(file, array)).as(array.name()).isEqualTo(numbers);
    }
    boolean ours = name.equals("savez.npz") || name.equals("compressed.npz");
    assertThat(file.metadata())
        .isEqualTo(
            ours
                ? Map.of(
                    "spark-batchnorm.epsilon",
                    "0.001",
                    "\u0438\u043c\u044f",
                    "\u0437\u043d\u0430\u0447\u0435\u043d\u0438\u0435 \ud83d\ude00")
                : Map.of());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "object.npz;OBJECT_ARRAY: array 'config.npy': '|O' holds pickled objects, which are never"
            + " loaded",
        "structured.npz;DTYPE: array 'rows.npy': structured and subarray types are not"
            + " supported, expected one of f2, f4, f8, i1, i2, i4, i8, u1, u2, u4"
      })
  void whatHasCodeInItOrNoFormIsRefused(String name, String message) {
    assertThatThrownBy(() -> NpzFile.read(golden(name)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith(name + " at byte ")
        .hasMessageEndingWith(message);
  }

  @Test
  void whatIsWrittenReadsBack() throws IOException {
    NpzWriter writer = new NpzWriter(Map.of("k", "\ud83d\ude00"));
    writer.addArray("a/mean", DType.F64, Shape.of(2), new byte[16]);
    writer.addArray("n", DType.I64, Shape.of(), new byte[] {5, 0, 0, 0, 0, 0, 0, 0});
    byte[] bytes = writer.toBytes();
    assertThat(bytes).isEqualTo(writer.toBytes());
    NpzFile file = NpzFile.read(ReadableBytes.of("x", bytes));
    assertThat(file.metadata()).isEqualTo(Map.of("k", "\ud83d\ude00"));
    assertThat(file.arrays()).extracting(NpzArray::name).containsExactly("a/mean", "n");
    assertThat(values(file, file.arrays().get(1))).containsExactly(5);
    assertThat(file.arrays()).allMatch(array -> array.offset() % 64 == 0);
  }

  @Test
  void whatCannotBeReadIsNotWritten() {
    NpzWriter writer = new NpzWriter(Map.of());
    writer.addArray("a", DType.U8, Shape.of(1), new byte[1]);
    for (String taken : List.of("a", "metadata")) {
      assertThatThrownBy(() -> writer.addArray(taken, DType.U8, Shape.of(1), new byte[1]))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is taken");
    }
    assertThatThrownBy(() -> writer.addArray("../a", DType.U8, Shape.of(1), new byte[1]))
        .hasMessage("the name '../a.npy' cannot be that of an entry in a zip");
    assertThatThrownBy(() -> writer.addArray("b", DType.BF16, Shape.of(1), new byte[2]))
        .hasMessage("BF16 has no npy type, expected one of f2, f4, f8, i1, i2, i4, i8, u1, u2, u4");
    assertThatThrownBy(() -> writer.addArray("b", DType.F32, Shape.of(1), new byte[2]))
        .hasMessage("'b' of dtype F32 and shape [1] takes 4 bytes, but there are 2");
  }

  private static ReadableBytes npy(String descr, String shape, int... codePoints) {
    byte[] header =
        ("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + "}")
            .getBytes(UTF_8);
    ByteBuffer file = ByteBuffer.wrap(NpyFiles.bytes(1, header, 4 * codePoints.length));
    file.order(descr.startsWith(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    file.position(file.limit() - 4 * codePoints.length);
    for (int codePoint : codePoints) {
      file.putInt(codePoint);
    }
    return ReadableBytes.of("t", file.array());
  }

  @Test
  void textsAreRead() throws IOException {
    assertThat(NpyText.read(npy("<U2", "()", 'a', 0x1f600))).contains("a\ud83d\ude00");
    assertThat(NpyText.read(npy(">U2", "()", 'a', 0x1f600))).contains("a\ud83d\ude00");
    // Filled up with zeros, which numpy leaves out.
    assertThat(NpyText.read(npy("<U4", "()", 'a', 0, 'b', 0))).contains("a\0b");
    assertThat(NpyText.read(npy("<U0", "()"))).contains("");
    assertThat(NpyText.read(npy("<U1", "(1,)", 'a'))).isEmpty();
    assertThat(NpyText.read(npy("<f4", "()", 0))).isEmpty();
    String text = "\ud83d\ude00 {\"a\": 1}";
    assertThat(NpyText.read(ReadableBytes.of("t", NpyText.toBytes(text)))).contains(text);
  }

  @Test
  void textsThatAreNoneAreRejected() {
    assertThatThrownBy(() -> NpyText.read(npy("<U2", "()", 'a', 0xd800)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageEndingWith(": TEXT: 0x0000d800 is no code point");
    assertThatThrownBy(() -> NpyText.read(npy("<U2", "()", 0x110000, 'a')))
        .hasMessageEndingWith(": TEXT: 0x00110000 is no code point");
    assertThatThrownBy(() -> NpyText.read(npy("<U2", "()", -1, 'a')))
        .hasMessageEndingWith(": TEXT: 0xffffffff is no code point");
    assertThatThrownBy(() -> NpyText.read(npy("<U4194305", "()", 'a')))
        .hasMessageEndingWith(": TEXT: 4194305 code points, expected at most 4194304");
    assertThatThrownBy(() -> NpyText.read(npy("<U3", "()", 'a', 'b')))
        .hasMessageEndingWith(": DATA_TRUNCATED: <U3 take 12 bytes, but the file holds 8");
    assertThatThrownBy(() -> NpyText.read(npy("<U1", "()", 'a', 'b')))
        .hasMessageEndingWith(": TRAILING_BYTES: 4 bytes after the end of the array");
    assertThatThrownBy(() -> NpyText.toBytes("x".repeat(4_194_305)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a text of 4194305 code points, expected at most 4194304");
  }

  @Test
  void metadataThatAreNoJsonAreRejected() {
    ZipWriter zip = new ZipWriter();
    zip.add("metadata.npy", NpyText.toBytes("just a text"));
    assertThatThrownBy(() -> NpzFile.read(ReadableBytes.of("x", zip.toBytes())))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith("x at byte 64: METADATA: array 'metadata.npy': metadata: ");
  }

  @Test
  void metadataOfOthersAndEntriesThatAreNoArraysAreLeftAlone() throws IOException {
    ZipWriter zip = new ZipWriter();
    byte[] header =
        NpyHeader.of(DType.U8, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, Shape.of())
            .toBytes();
    zip.add("metadata.npy", Arrays.copyOf(header, header.length + 1));
    zip.add("README", "not an array".getBytes(UTF_8));
    NpzFile file = NpzFile.read(ReadableBytes.of("x", zip.toBytes()));
    assertThat(file.arrays()).extracting(NpzArray::name).containsExactly("metadata");
    assertThat(file.metadata()).isEmpty();
  }

  @Test
  void masksAndTextsAreNoNumbers() throws IOException {
    for (String descr :
        List.of("|b1", "<u8", "<c8", ">c16", "<U3", "|S3", "<M8[ns]", "<m8", "<f16")) {
      assertThat(NpyHeader.readNumbers(npy(descr, "(2,)"))).as(descr).isEqualTo(Optional.empty());
    }
    assertThat(NpyHeader.readNumbers(npy("<f4", "(2,)", 0, 0)))
        .map(NpyHeader::dtype)
        .contains(DType.F32);
    for (String descr : List.of("|V2", "<x4", "f4", "<M8[", "")) {
      assertThatThrownBy(() -> NpyHeader.readNumbers(npy(descr, "(2,)")))
          .as(descr)
          .isInstanceOf(MalformedFileException.class)
          .hasMessageContaining("DTYPE: '" + descr + "' is not supported");
    }
  }
}
