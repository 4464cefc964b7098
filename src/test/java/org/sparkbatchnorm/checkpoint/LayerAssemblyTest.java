package org.sparkbatchnorm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.safetensors.SafetensorsHeader;
import org.sparkbatchnorm.format.safetensors.SafetensorsWriter;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

/** Which tensors of other people's files are layers, and which are wrong. */
class LayerAssemblyTest {

  @ParameterizedTest
  @CsvSource({
    "bn1.running_mean, bn1.running_var, bn1.weight, bn1.bias, bn1",
    "bn1.moving_mean, bn1.moving_variance, bn1.gamma, bn1.beta, bn1",
    "net/bn/moving_mean, net/bn/moving_variance, net/bn/gamma, net/bn/beta, net/bn",
    "running_mean, running_var, weight, bias, ''",
    "layer1.0.bn.running_mean, layer1.0.bn.moving_variance, layer1.0.bn.gamma, layer1.0.bn.bias,"
        + " layer1.0.bn"
  })
  void everyNamingIsRead(String mean, String variance, String gamma, String beta, String layer)
      throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    add(writer, mean, DType.F32, 1, 2);
    add(writer, variance, DType.F64, 3, 4);
    add(writer, gamma, DType.F16, 5, 6);
    add(writer, beta, DType.BF16, 7, 8);
    Checkpoint checkpoint = SafetensorsCheckpoint.decode(file(writer));
    assertThat(checkpoint.layers().keySet()).containsExactly(layer);
    CheckpointLayer read = checkpoint.layer(layer);
    assertThat(read.dtype()).isEqualTo(DType.F32);
    assertThat(read.mean()).containsExactly(1, 2);
    assertThat(read.variance()).containsExactly(3, 4);
    assertThat(read.gamma().orElseThrow()).containsExactly(5, 6);
    assertThat(read.beta().orElseThrow()).containsExactly(7, 8);
  }

  @Test
  void otherTensorsAreIgnored() throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    writer.addTensor("conv.weight", DType.U16, Shape.of(2, 1, 1), new byte[4]);
    add(writer, "conv.gamma", DType.F32, 1);
    add(writer, "fc.bias", DType.F32, 1, 2, 3);
    add(writer, "bn.running_mean", DType.F32, 1);
    add(writer, "bn.running_var", DType.F32, 1);
    add(writer, "bn.running_mean.copy", DType.F32, 1);
    add(writer, "xrunning_mean", DType.F32, 1);
    assertThat(SafetensorsCheckpoint.decode(file(writer)).layers().keySet()).containsExactly("bn");
  }

  @ParameterizedTest
  @CsvSource({"I64, 8", "I32, 4", "U8, 1"})
  void batchesTrackedMayBeAnyIntegerOfRank0Or1(DType dtype, int bytes) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    byte[] five = new byte[bytes];
    five[0] = 5;
    add(writer, "bn.running_mean", DType.F32, 1);
    add(writer, "bn.running_var", DType.F32, 1);
    writer.addTensor("bn.num_batches_tracked", dtype, Shape.of(1), five);
    assertThat(SafetensorsCheckpoint.decode(file(writer)).layer("bn").batchesTracked()).hasValue(5);
  }

  @Test
  void negativeVarianceIsReadButNotEvaluatedAndFileAndPlaceAreNamed() throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    add(writer, "bn.running_mean", DType.F32, 1, 1);
    add(writer, "bn.running_var", DType.F32, 1, -0.5);
    Checkpoint checkpoint = SafetensorsCheckpoint.decode(file(writer));
    assertThat(checkpoint.layer("bn").variance()).containsExactly(1, -0.5);
    long offset =
        SafetensorsHeader.read(file(writer)).tensor("bn.running_var").orElseThrow().offset();
    assertThatThrownBy(() -> checkpoint.parameters("bn", 1e-5))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "m.safetensors at byte "
                + offset
                + ": VARIANCE: running variance of channel 1 is -0.5, expected at least 0, in layer"
                + " 'bn'");
  }

  @ParameterizedTest(name = "{1}: {3}")
  @MethodSource("malformed")
  void isRejected(SafetensorsWriter writer, String code, String at, String reason)
      throws IOException {
    String place =
        SafetensorsHeader.read(file(writer))
            .tensor(at)
            .map(tensor -> " at byte " + tensor.offset())
            .orElse("");
    assertThatThrownBy(() -> SafetensorsCheckpoint.decode(file(writer)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage("m.safetensors" + place + ": " + code + ": " + reason);
  }

  static Stream<Arguments> malformed() {
    String none =
        " tensors is a running mean or variance (running_mean, running_var, moving_mean,"
            + " moving_variance)";
    return Stream.of(
        arguments(new SafetensorsWriter(), "NO_LAYERS", "", "none of the 0" + none),
        arguments(with(null, null), "NO_LAYERS", "", "none of the 1" + none),
        arguments(
            with("bn.running_mean", null),
            "LAYER_INCOMPLETE",
            "bn.running_mean",
            "running mean without running variance in layer 'bn'"),
        arguments(
            with(null, "bn.moving_variance"),
            "LAYER_INCOMPLETE",
            "bn.moving_variance",
            "running variance without running mean in layer 'bn'"),
        extra(
            "bn.moving_mean",
            DType.F32,
            Shape.of(2),
            "LAYER_AMBIGUOUS",
            "two names for the same thing: 'bn.running_mean' and 'bn.moving_mean'"),
        extra(
            "bn/running_var",
            DType.F32,
            Shape.of(2),
            "LAYER_AMBIGUOUS",
            "two names for the same thing: 'bn.running_var' and 'bn/running_var'"),
        extra(
            "bn.weight",
            DType.F32,
            Shape.of(3),
            "SHAPE_MISMATCH",
            "shape [3], expected [2] as the running mean, of tensor 'bn.weight'"),
        extra(
            "bn.bias",
            DType.F32,
            Shape.of(2, 1),
            "SHAPE_MISMATCH",
            "shape [2, 1], expected [2] as the running mean, of tensor 'bn.bias'"),
        extra(
            "bn.weight",
            DType.I32,
            Shape.of(2),
            "DTYPE",
            "dtype I32, expected a floating-point type, of tensor 'bn.weight'"),
        extra(
            "bn.num_batches_tracked",
            DType.F32,
            Shape.of(),
            "DTYPE",
            "dtype F32, expected an integer, of tensor 'bn.num_batches_tracked'"),
        extra(
            "bn.num_batches_tracked",
            DType.I64,
            Shape.of(2),
            "SHAPE_MISMATCH",
            "shape [2], expected a single number, of tensor 'bn.num_batches_tracked'"),
        statistics(
            DType.F32,
            Shape.of(2),
            DType.F32,
            Shape.of(3),
            "running_var",
            "SHAPE_MISMATCH",
            "shape [3], expected [2] as the running mean, of tensor 'running_var'"),
        statistics(
            DType.F32,
            Shape.of(),
            DType.F32,
            Shape.of(),
            "running_mean",
            "SHAPE_MISMATCH",
            "shape [], expected one axis, of tensor 'running_mean'"),
        statistics(
            DType.F32,
            Shape.of(1, 2),
            DType.F32,
            Shape.of(1, 2),
            "running_mean",
            "SHAPE_MISMATCH",
            "shape [1, 2], expected one axis, of tensor 'running_mean'"),
        statistics(
            DType.I64,
            Shape.of(2),
            DType.F32,
            Shape.of(2),
            "running_mean",
            "DTYPE",
            "dtype I64, expected a floating-point type, of tensor 'running_mean'"),
        statistics(
            DType.F16,
            Shape.of(2),
            DType.U16,
            Shape.of(2),
            "running_var",
            "DTYPE",
            "dtype U16, expected a floating-point type, of tensor 'running_var'"),
        statistics(
            DType.F16,
            Shape.of((1 << 24) + 1),
            DType.F16,
            Shape.of(2),
            "running_mean",
            "TOO_MANY_CHANNELS",
            "more than 16777216 channels in all layers"));
  }

  private static SafetensorsWriter with(String mean, String variance) {
    SafetensorsWriter writer = new SafetensorsWriter();
    add(writer, "fc.weight", DType.F32, 1, 2);
    if (mean != null) {
      add(writer, mean, DType.F32, 1, 2);
    }
    if (variance != null) {
      add(writer, variance, DType.F32, 1, 2);
    }
    return writer;
  }

  private static Arguments extra(
      String name, DType dtype, Shape shape, String code, String reason) {
    SafetensorsWriter writer = with("bn.running_mean", "bn.running_var");
    addZeros(writer, name, dtype, shape);
    return arguments(writer, code, name, reason);
  }

  private static Arguments statistics(
      DType meanType,
      Shape mean,
      DType varianceType,
      Shape variance,
      String at,
      String code,
      String reason) {
    SafetensorsWriter writer = new SafetensorsWriter();
    addZeros(writer, "running_mean", meanType, mean);
    addZeros(writer, "running_var", varianceType, variance);
    return arguments(writer, code, at, reason);
  }

  private static void addZeros(SafetensorsWriter writer, String name, DType dtype, Shape shape) {
    writer.addTensor(name, dtype, shape, new byte[(int) shape.elements() * dtype.bytes()]);
  }

  private static void add(SafetensorsWriter writer, String name, DType dtype, double... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    Elements.encode(dtype, values, values.length, bytes);
    writer.addTensor(name, dtype, Shape.of(values.length), bytes.array());
  }

  private static ReadableBytes file(SafetensorsWriter writer) {
    return ReadableBytes.of("m.safetensors", writer.toBytes());
  }
}
