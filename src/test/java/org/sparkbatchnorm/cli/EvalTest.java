package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/** {@code eval} against PyTorch's own float64 outputs for its own state dict. */
class EvalTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""))
          .toAbsolutePath()
          .resolve("src/test/resources/golden/safetensors/torch-2.15.0");

  @TempDir private Path folder;

  private static Path golden(String name) {
    return GOLDEN.resolve(name);
  }

  private NpyFile eval(String layer, Path input, Object... options) throws IOException {
    Path output = folder.resolve("out.npy");
    Object[] words = new Object[options.length + 7];
    words[0] = "eval";
    words[1] = "--checkpoint";
    words[2] = golden("model.safetensors");
    words[3] = "--layer";
    words[4] = layer;
    System.arraycopy(options, 0, words, 5, options.length);
    words[words.length - 2] = input;
    words[words.length - 1] = output;
    assertThat(CommandRun.of(words).requireDone().out()).isEmpty();
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left.filter(file -> !file.equals(input))).containsExactly(output);
    }
    return NpyFile.read(output);
  }

  /** The kernel's stated bound: each float within 1 ulp of the exact value. */
  private static void assertWithinOneFloatUlp(double[] found, double[] exact) {
    assertWithinOneFloatUlp(found, exact, 0);
  }

  private static void assertWithinOneFloatUlp(double[] found, double[] exact, double errorOfExact) {
    assertThat(found).hasSameSizeAs(exact).isNotEmpty();
    for (int i = 0; i < found.length; i++) {
      double bound = Math.ulp((float) exact[i]) + errorOfExact;
      assertThat(Math.abs(found[i] - exact[i])).as("element " + i).isLessThanOrEqualTo(bound);
    }
  }

  /**
   * PyTorch adds x * scale and -mean * scale, for the layer plain two numbers of 1.3e6 at most:
   * each of its three roundings is off by up to half of 2.3e-10, an ulp there.
   */
  @ParameterizedTest
  @CsvSource({"stem.1, 1e-5, 0", "norm, 1e-3, 0", "plain, 1e-5, 3.5e-10"})
  void floatsAreWithinOneUlpOfWhatPyTorchGivesInDouble(
      String layer, String epsilon, double errorOfPyTorch) throws IOException {
    NpyFile found = eval(layer, golden(layer + "-input.npy"), "--epsilon", epsilon);
    NpyFile exact = NpyFile.read(golden(layer + "-output-f64.npy"));
    assertThat(found.header())
        .isEqualTo(NpyFile.read(golden(layer + "-input.npy")).header())
        .extracting(header -> header.dtype())
        .isEqualTo(DType.F32);
    assertWithinOneFloatUlp(found.rowMajor(), exact.rowMajor(), errorOfPyTorch);
  }

  @Test
  void theDefaultEpsilonIsPyTorchsWhereTheCheckpointHasNone() throws IOException {
    NpyFile found = eval("stem.1", golden("stem.1-input.npy"));
    NpyFile exact = NpyFile.read(golden("stem.1-output-f64.npy"));
    assertWithinOneFloatUlp(found.rowMajor(), exact.rowMajor());
  }

  /** Layout, byte order and element order change where an element stands, and no bit of it. */
  @ParameterizedTest
  @CsvSource({
    "NCHW, <, ROW_MAJOR",
    "NCHW, <, COLUMN_MAJOR",
    "NCHW, >, ROW_MAJOR",
    "channels-first, >, COLUMN_MAJOR",
    "NHWC, <, ROW_MAJOR",
    "channels-last, <, COLUMN_MAJOR",
    "NHWC, >, ROW_MAJOR",
    "NHWC, >, COLUMN_MAJOR",
  })
  void theOutputHasTheInputsHeaderAndTheSameValuesInEveryForm(
      String layout, String byteOrder, ElementOrder order) throws IOException {
    boolean last = layout.equals("NHWC") || layout.equals("channels-last");
    NpyFile golden = NpyFile.read(golden("stem.1-input.npy"));
    NpyFile input =
        (last ? golden.channelsLast() : golden)
            .as(
                DType.F32,
                byteOrder.equals(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN,
                order);
    NpyFile found = eval("stem.1", input.write(folder.resolve("in.npy")), "--layout", layout);
    NpyFile straight = NpyFile.read(golden("stem.1-output-f64.npy"));
    NpyFile exact = last ? straight.channelsLast() : straight;
    assertWithinOneFloatUlp(found.rowMajor(), exact.rowMajor());
    assertThat(Files.readAllBytes(folder.resolve("out.npy"))).startsWith(input.header().toBytes());
  }

  /** Half of an ulp of binary16, whose significand has 11 bits, from one rounding at the end. */
  @Test
  void halvesAreRoundedOnce() throws IOException {
    Path input = folder.resolve("in.npy");
    NpyFile.read(golden("stem.1-input.npy"))
        .as(DType.F16, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR)
        .write(input);
    NpyFile halves = NpyFile.read(input);
    NpyFile found = eval("stem.1", input);
    assertThat(found.header()).isEqualTo(halves.header());
    Files.delete(folder.resolve("out.npy"));
    halves.as(DType.F64, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR).write(input);
    NpyFile exact = eval("stem.1", input);
    for (int i = 0; i < exact.rowMajor().length; i++) {
      double value = exact.rowMajor()[i];
      double halfUlp = Math.scalb(1.0, Math.max(Math.getExponent(value), -14) - 11);
      assertThat(Math.abs(found.rowMajor()[i] - value)).isLessThanOrEqualTo(halfUlp);
    }
  }

  /**
   * PyTorch's doubles come from another order of operations. About ten of them, on numbers below
   * 16, whose ulp is 1.8e-15: 1e-14.
   */
  @ParameterizedTest
  @CsvSource({"stem.1, 1e-5", "norm, 1e-3"})
  void doublesAreThoseOfPyTorchWithinSomeUlps(String layer, String epsilon) throws IOException {
    Path input =
        NpyFile.read(golden(layer + "-input.npy"))
            .as(DType.F64, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR)
            .write(folder.resolve("in.npy"));
    double[] found = eval(layer, input, "--epsilon", epsilon).rowMajor();
    double[] exact = NpyFile.read(golden(layer + "-output-f64.npy")).rowMajor();
    for (int i = 0; i < found.length; i++) {
      assertThat(Math.abs(exact[i])).isLessThan(16);
      assertThat(Math.abs(found[i] - exact[i])).isLessThanOrEqualTo(1e-14);
    }
  }

  private Path checkpoint(Map<String, String> metadata) throws IOException {
    CheckpointLayer layer =
        CheckpointLayer.of(DType.F64, new double[] {1, -1}, new double[] {0.75, 3.75});
    byte[] file =
        SafetensorsCheckpoint.encode(Checkpoint.of(Map.of("bn", layer), metadata), DType.F64);
    return Files.write(folder.resolve("bn.safetensors"), file);
  }

  private Path input(double... values) throws IOException {
    Shape shape = Shape.of(values.length / 2, 2);
    return NpyFile.of(DType.F64, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, shape, values)
        .write(folder.resolve("in.npy"));
  }

  /** sqrt(0.75 + 0.25) is 1 and sqrt(3.75 + 0.25) is 2: exact. */
  @Test
  void theCheckpointsEpsilonCountsUnlessAnotherIsGiven() throws IOException {
    Path checkpoint = checkpoint(Map.of(MetadataKeys.EPSILON, "0.25"));
    Path input = input(3, 3, -1, 0);
    Path output = folder.resolve("out.npy");
    CommandRun.of("eval", "--checkpoint", checkpoint, input, output).requireDone();
    assertThat(NpyFile.read(output).rowMajor()).containsExactly(2, 2, -2, 0.5);
    CommandRun.of(
            "eval", "--checkpoint", checkpoint, "--epsilon", "5.5", "--overwrite", input, output)
        .requireDone();
    assertThat(NpyFile.read(output).rowMajor()[0]).isEqualTo(2 / 2.5);
  }

  @Test
  void anInputMayBeReplacedByItsOutput() throws IOException {
    Path checkpoint = checkpoint(Map.of(MetadataKeys.EPSILON, "0.25"));
    Path input = input(3, 3, -1, 0);
    CommandRun.of("eval", "--checkpoint", checkpoint, "--overwrite", input, input).requireDone();
    assertThat(NpyFile.read(input).rowMajor()).containsExactly(2, 2, -2, 0.5);
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left.map(file -> file.getFileName().toString()).sorted())
          .isEqualTo(List.of("bn.safetensors", "in.npy"));
    }
  }

  @Test
  void noRowsGiveNoRows() throws IOException {
    Path checkpoint = checkpoint(Map.of());
    Path input = input();
    Path output = folder.resolve("new/folder/out.npy");
    CommandRun.of("eval", "--checkpoint", checkpoint, input, output).requireDone();
    assertThat(output).hasSameBinaryContentAs(input);
  }
}
