package org.sparkbatchnorm.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.sparkbatchnorm.format.safetensors.Files.entry;
import static org.sparkbatchnorm.format.safetensors.Files.file;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/** What is accepted, and what the header then says. */
class SafetensorsHeaderTest {

  @Test
  void tensorsAreInOrderOfTheirOffsetsWithAbsoluteOffsets() throws IOException {
    String json =
        "{"
            + entry("second", "I64", "[]", "[24,32]")
            + ","
            + entry("first", "F32", "[2,3]", "[0,24]")
            + "}";
    SafetensorsHeader header = SafetensorsHeader.read(file(json, 32));

    long data = 8L + json.length();
    assertThat(header.dataOffset()).isEqualTo(data);
    assertThat(header.tensors())
        .containsExactly(
            new SafetensorsTensor("first", DType.F32, Shape.of(2, 3), data, 24),
            new SafetensorsTensor("second", DType.I64, Shape.of(), data + 24, 8));
    assertThat(header.tensor("second")).contains(header.tensors().get(1));
    assertThat(header.tensor("third")).isEmpty();
    assertThat(header.metadata()).isEmpty();
  }

  @Test
  void fieldsMayComeInAnyOrderWithWhiteSpaceAnywhere() throws IOException {
    String json =
        " \r\n\t{ \"a\" : { \"data_offsets\" : [ 0 , 2 ] , \"shape\" : [ 2 ] , \"dtype\" : \"U8\" }"
            + " , \"__metadata__\" : { } } \n ";
    assertThat(SafetensorsHeader.read(file(json, 2)).tensors()).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void everySupportedTypeIsRead(DType dtype) throws IOException {
    String json = "{" + entry("a", dtype.name(), "[3]", "[0," + 3 * dtype.bytes() + "]") + "}";
    assertThat(SafetensorsHeader.read(file(json, 3 * dtype.bytes())).tensors().get(0).dtype())
        .isEqualTo(dtype);
  }

  @Test
  void emptyTensorsMayShareAnOffsetAndAreSortedByName() throws IOException {
    String json =
        "{"
            + String.join(
                ",",
                entry("full", "F32", "[1]", "[0,4]"),
                entry("end", "F32", "[0]", "[4,4]"),
                entry("b", "F64", "[3,0]", "[0,0]"),
                entry("a", "F32", "[0,9223372036854775807]", "[0,0]"))
            + "}";
    assertThat(SafetensorsHeader.read(file(json, 4)).tensors())
        .extracting(SafetensorsTensor::name)
        .containsExactly("a", "b", "full", "end");
  }

  @Test
  void fileWithoutTensorsIsEmpty() throws IOException {
    assertThat(SafetensorsHeader.read(file("{}", 0)).tensors()).isEmpty();
  }

  @Test
  void metadataKeepTheirOrder() throws IOException {
    String json = "{\"__metadata__\":{\"z\":\"1\",\"format\":\"pt\",\"a\":\"\"}}";
    assertThat(SafetensorsHeader.read(file(json, 0)).metadata())
        .containsExactly(Map.entry("z", "1"), Map.entry("format", "pt"), Map.entry("a", ""));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\\u0000",
        "line\\nfeed",
        "\\u001b[2J",
        "../../etc/passwd",
        "/",
        "",
        "caf\u00e9 \u4e2d \ud83d\ude00"
      })
  void anyTextIsAName(String name) throws IOException {
    String json = "{" + entry(name, "U8", "[0]", "[0,0]") + "}";
    List<SafetensorsTensor> tensors = SafetensorsHeader.read(file(json, 0)).tensors();
    assertThat(tensors)
        .extracting(SafetensorsTensor::name)
        .containsExactly(
            name.replace("\\u0000", "\0").replace("\\n", "\n").replace("\\u001b", "\u001b"));
  }

  @Test
  void everyEscapeIsUnderstood() throws IOException {
    String json =
        "{" + entry("\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9\\ud83d\\uDE00", "U8", "[0]", "[0,0]") + "}";
    assertThat(SafetensorsHeader.read(file(json, 0)).tensors().get(0).name())
        .isEqualTo("\"\\/\b\f\n\r\t\u00e9\ud83d\ude00");
  }

  @ParameterizedTest
  @ValueSource(ints = {-4, -3, -2, -1, 0, 1})
  void charactersMayStandAcrossTheEdgeOfTwoReads(int shift) throws IOException {
    String open = "{\"__metadata__\":{\"a\":\"";
    int padding = Utf8Bytes.CHUNK_BYTES - open.length() + shift;
    String value = "x".repeat(padding) + "\ud83d\ude00\u4e2d";
    SafetensorsHeader header = SafetensorsHeader.read(file(open + value + "\"}}", 0));
    assertThat(header.metadata()).containsEntry("a", value);
  }

  @Test
  void shapeMayHave32Axes() throws IOException {
    String shape = "[" + "1,".repeat(31) + "1]";
    String json = "{" + entry("a", "U8", shape, "[0,1]") + "}";
    assertThat(SafetensorsHeader.read(file(json, 1)).tensors().get(0).shape().rank()).isEqualTo(32);
  }
}
