package org.sparkbatchnorm.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/** What is written, byte for byte, and what is refused. */
class SafetensorsWriterTest {

  @Test
  void fileHasLengthPaddedHeaderAndDataInTheOrderAdded() {
    SafetensorsWriter writer = new SafetensorsWriter();
    writer.addMetadata("format", "pt");
    writer.addTensor("z", DType.U8, Shape.of(2, 1), new byte[] {1, 2});
    writer.addTensor("a", DType.I64, Shape.of(), new byte[] {3, 0, 0, 0, 0, 0, 0, 0});

    // safetensors 0.8.0 (Python) loads these bytes as {"z": [[1], [2]], "a": 3}, {"format": "pt"}.
    String header =
        "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"z\":{\"dtype\":\"U8\",\"shape\":[2,1],\"data_offsets\":[0,2]},"
            + "\"a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[2,10]}}";
    byte[] bytes = writer.toBytes();
    int headerBytes = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertThat(headerBytes).isEqualTo((header.length() + 7) / 8 * 8);
    assertThat(new String(bytes, 8, headerBytes, StandardCharsets.UTF_8).stripTrailing())
        .isEqualTo(header);
    assertThat(Arrays.copyOfRange(bytes, 8 + headerBytes, bytes.length))
        .containsExactly(1, 2, 3, 0, 0, 0, 0, 0, 0, 0);
    assertThat(writer.toBytes()).isEqualTo(bytes);
  }

  @Test
  void anyTextComesBackFromNamesAndMetadata() throws IOException {
    String text = "\0\t\n\u001b\"\\/\u007f\u00e9\u2028\u4e2d\ud83d\ude00";
    SafetensorsWriter writer = new SafetensorsWriter();
    writer.addMetadata(text, text);
    writer.addTensor(text, DType.F32, Shape.of(0), new byte[0]);
    SafetensorsHeader header = SafetensorsHeader.read(Files.file(writer.toBytes()));
    assertThat(header.metadata()).containsExactly(Map.entry(text, text));
    assertThat(header.tensor(text)).isPresent();
  }

  @Test
  void emptyFileAndMetadataAloneAreValid() throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    assertThat(writer.toBytes())
        .isEqualTo("\10\0\0\0\0\0\0\0{}      ".getBytes(StandardCharsets.US_ASCII));
    writer.addMetadata("k", "v");
    assertThat(SafetensorsHeader.read(Files.file(writer.toBytes())).metadata())
        .containsExactly(Map.entry("k", "v"));
  }

  @Test
  void whatTheReaderWouldRefuseIsRefused() {
    SafetensorsWriter writer = new SafetensorsWriter();
    writer.addMetadata("k", "v");
    writer.addTensor("a", DType.F32, Shape.of(1), new byte[4]);

    assertRefused(() -> writer.addMetadata("k", "w"), "second metadata key 'k'");
    assertRefused(() -> writer.addMetadata("\ud800", ""), "lone surrogate in '\ud800'");
    assertRefused(
        () -> writer.addMetadata("x", "v".repeat(1 << 24)),
        "more than 16777216 bytes or 100000 keys of metadata");
    assertRefused(() -> add(writer, "a"), "the name 'a' is taken");
    assertRefused(() -> add(writer, "__metadata__"), "the name '__metadata__' is taken");
    assertRefused(() -> add(writer, "b\udc00"), "lone surrogate in 'b\udc00'");
    assertRefused(
        () -> add(writer, "n".repeat(65_537)),
        "the name '" + "n".repeat(100) + "...' (65537 characters) has more than 65536 bytes");
    long[] axes = new long[33];
    Arrays.fill(axes, 1);
    assertRefused(
        () -> writer.addTensor("b", DType.U8, Shape.of(axes), new byte[1]),
        "shape of 'b' has 33 axes, expected at most 32");
    assertRefused(
        () -> writer.addTensor("b", DType.F16, Shape.of(2, 2), new byte[7]),
        "'b' of dtype F16 and shape [2, 2] takes 8 bytes, but there are 7");
  }

  @Test
  void hundredThousandTensorsAreTheMost() {
    SafetensorsWriter writer = new SafetensorsWriter();
    for (int i = 0; i < 100_000; i++) {
      add(writer, Integer.toString(i));
    }
    assertRefused(() -> add(writer, "a"), "more than 100000 tensors in one file");
  }

  private static void add(SafetensorsWriter writer, String name) {
    writer.addTensor(name, DType.F32, Shape.of(1), new byte[4]);
  }

  private static void assertRefused(Runnable call, String message) {
    assertThatThrownBy(call::run).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
  }
}
