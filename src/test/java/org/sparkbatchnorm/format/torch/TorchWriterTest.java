package org.sparkbatchnorm.format.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.zip.ArchiveEntry;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

class TorchWriterTest {
  private static byte[] bytes(DType dtype, double... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    Elements.encode(dtype, values, values.length, bytes);
    return bytes.array();
  }

  private static TorchFile read(byte[] file) throws IOException {
    return TorchFile.read(ReadableBytes.of("x", file), Optional.empty());
  }

  @Test
  void thePickleIsThis() throws IOException {
    TorchWriter writer = new TorchWriter();
    writer.addTensor("a", DType.F32, Shape.of(2, 3), new byte[24]);
    byte[] file = writer.toBytes();
    assertThat(file).isEqualTo(writer.toBytes());
    // Disassembles with Python's pickletools.dis, and loads with torch 2.15.0, weights_only=True.
    String pickle =
        "80027d28" // protocol 2, dict, mark
            + "580100000061" // 'a'
            + hex("ctorch._utils\n_rebuild_tensor_v2\n((")
            + "5807000000"
            + hex("storage")
            + hex("ctorch\nFloatStorage\n")
            + "580100000030"
            + "5803000000"
            + hex("cpu")
            + "4b06"
            + hex("tQ") // 6 elements
            + "4b00" // the first
            + hex("(K\2K\3t(K\3K\1t") // shape, strides
            + "89"
            + hex("ccollections\nOrderedDict\n)RtRu.");
    ArchiveEntry entry = read(file).archive().entry("archive/data.pkl").orElseThrow();
    assertThat(HexFormat.of().formatHex(file, (int) entry.dataOffset(), (int) entry.dataEnd()))
        .isEqualTo(pickle);
    assertThat(read(file).archive().entries())
        .extracting(ArchiveEntry::name)
        .containsExactly(
            "archive/data.pkl", "archive/byteorder", "archive/data/0", "archive/version");
  }

  private static String hex(String ascii) {
    return HexFormat.of().formatHex(ascii.getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void whatIsWrittenReadsBack() throws IOException {
    TorchWriter writer = new TorchWriter();
    double[] values = {1, 2, 3, 4, 5, 6};
    for (DType dtype : new DType[] {DType.F64, DType.F32, DType.F16, DType.BF16}) {
      writer.addTensor(
          "\u0441\u043b\u043e\u0439." + dtype, dtype, Shape.of(3, 2), bytes(dtype, values));
    }
    writer.addTensor("count", DType.I64, Shape.of(), new byte[] {1, 0, 0, 0, 0, 0, 0, 1});
    writer.addTensor("empty", DType.U8, Shape.of(0, 300, 70_000), new byte[0]);
    writer.addMetadata("k", "v");
    TorchFile file = read(writer.toBytes());
    assertThat(file.metadata()).isEqualTo(Map.of("k", "v"));
    assertThat(file.tensors()).hasSize(6).noneMatch(TorchTensor::isShared);
    for (TorchTensor tensor : file.tensors().subList(0, 4)) {
      assertThat(tensor.name())
          .isEqualTo("\u0441\u043b\u043e\u0439." + tensor.dtype().orElseThrow());
      assertThat(tensor.shape()).isEqualTo(Shape.of(3, 2));
      assertThat(tensor.isContiguous()).isTrue();
      assertThat(TorchGoldenTest.values(file, tensor)).isEqualTo(values);
      assertThat(tensor.offset() % 64).isZero();
    }
    assertThat(file.tensors().get(4).shape().rank()).isZero();
    assertThat(TorchGoldenTest.values(file, file.tensors().get(4))).containsExactly(0x1p56 + 1);
    assertThat(file.tensors().get(5).shape()).isEqualTo(Shape.of(0, 300, 70_000));
  }

  @Test
  void whatCannotBeReadIsNotWritten() {
    TorchWriter writer = new TorchWriter();
    writer.addTensor("a", DType.U8, Shape.of(1), new byte[1]);
    assertThatThrownBy(() -> writer.addTensor("a", DType.U8, Shape.of(1), new byte[1]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the name 'a' is taken");
    assertThatThrownBy(() -> writer.addTensor("\ud800", DType.U8, Shape.of(1), new byte[1]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a name of 1 bytes, or with a lone surrogate, cannot be a key");
    assertThatThrownBy(() -> writer.addTensor("b", DType.F32, Shape.of(2), new byte[4]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("'b' of dtype F32 and shape [2] takes 8 bytes, but there are 4");
    assertThatThrownBy(() -> writer.addTensor("c", DType.U16, Shape.of(2), new byte[4]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("U16 has no storage in PyTorch");
  }
}
