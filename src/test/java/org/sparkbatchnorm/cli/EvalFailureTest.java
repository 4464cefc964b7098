package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/** {@code eval} that must not go through: one line, an exit code, and nothing written. */
class EvalFailureTest {
  private static final Duration SOON = Duration.ofSeconds(30);

  @TempDir private Path folder;

  private Path checkpoint;
  private Path input;
  private Path output;

  @BeforeEach
  void writeGoodFiles() throws IOException {
    Files.createDirectories(folder.resolve("out"));
    output = folder.resolve("out/out.npy");
    checkpoint = checkpoint(Map.of("bn", layer(1, 4)));
    input = array(DType.F32, Shape.of(3, 2)).write(folder.resolve("in.npy"));
  }

  @AfterEach
  void nothingWasWritten() {
    assertThat(output.getParent()).isEmptyDirectory();
  }

  private static CheckpointLayer layer(double... variance) {
    return CheckpointLayer.of(DType.F32, new double[variance.length], variance);
  }

  private Path checkpoint(Map<String, CheckpointLayer> layers) throws IOException {
    byte[] file = SafetensorsCheckpoint.encode(Checkpoint.of(layers, Map.of()), DType.F32);
    return Files.write(folder.resolve("bn.safetensors"), file);
  }

  private static NpyFile array(DType dtype, Shape shape) {
    double[] values = new double[(int) shape.elements()];
    Arrays.fill(values, 3);
    return NpyFile.of(dtype, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, shape, values);
  }

  private CommandRun eval(Object... options) {
    Object[] words = new Object[options.length + 5];
    words[0] = "eval";
    words[1] = "--checkpoint";
    words[2] = checkpoint;
    System.arraycopy(options, 0, words, 3, options.length);
    words[words.length - 2] = input;
    words[words.length - 1] = output;
    return CommandRun.of(words);
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, -1e-30, Double.NEGATIVE_INFINITY, Double.NaN})
  void aVarianceThatIsNoneIsRefused(double variance) throws IOException {
    checkpoint = checkpoint(Map.of("bn", layer(1, variance)));
    CommandRun run = eval();
    run.requireBadData(checkpoint, "VARIANCE");
    assertThat(run.err())
        .endsWith(
            ": VARIANCE: running variance of channel 1 is "
                + (double) (float) variance
                + ", expected at least 0, in layer 'bn'\n");
  }

  @Test
  void aVarianceAndAnEpsilonOfZeroAreRefused() throws IOException {
    checkpoint = checkpoint(Map.of("bn", layer(0, 1)));
    eval("--epsilon", "0").requireBadData(checkpoint, "VARIANCE");
  }

  @Test
  void aLayerThatIsNotThereIsNamedWithThoseThatAre() throws IOException {
    eval("--layer", "bn2")
        .requireError(
            Main.BAD_DATA, checkpoint + ": LAYER_MISSING: no layer 'bn2', expected one of 'bn'");
  }

  @Test
  void oneOfSeveralLayersMustBeNamed() throws IOException {
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    layers.put("a.bn", layer(1, 1));
    layers.put("b\u001b[31m.bn", layer(1, 1));
    checkpoint = checkpoint(layers);
    eval()
        .requireError(
            Main.USAGE,
            "--layer is needed: " + checkpoint + " has the layers a.bn, b\\u001b[31m.bn");
  }

  @Test
  void anotherNumberOfChannelsIsRefused() throws IOException {
    input = array(DType.F32, Shape.of(2, 3)).write(folder.resolve("in.npy"));
    eval()
        .requireError(
            Main.BAD_DATA,
            input
                + " at byte 0: SHAPE_MISMATCH: shape [2, 3]: running_mean should contain 3 elements"
                + " not 2");
    eval("--layout", "NCHW").requireBadData(input, "SHAPE_MISMATCH");
  }

  @Test
  void integersAreRefused() {
    input =
        Path.of(System.getProperty("basedir", ""))
            .toAbsolutePath()
            .resolve("src/test/resources/golden/npy/numpy-2.4.6/little-endian/i4.npy");
    eval()
        .requireError(
            Main.BAD_DATA,
            input + " at byte 0: DTYPE: the array holds I32, but floats are expected");
  }

  @Test
  void aTruncatedInputIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(input);
    Files.write(input, Arrays.copyOf(whole, whole.length - 1));
    eval()
        .requireError(
            Main.BAD_DATA,
            input
                + " at byte 151: DATA_TRUNCATED: dtype F32 and shape [3, 2] take 24 bytes, but the"
                + " file holds 23");
  }

  @Test
  void aTruncatedCheckpointIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(checkpoint);
    for (int length = 0; length < whole.length; length += 7) {
      Files.write(checkpoint, Arrays.copyOf(whole, length));
      CommandRun run = eval();
      assertThat(run.exitCode()).as("cut to " + length).isEqualTo(Main.BAD_DATA);
      assertThat(run.err()).startsWith("error: " + checkpoint + " at byte ").hasLineCount(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "NaN", "Infinity"})
  void anEpsilonThatIsNoneIsRefused(String epsilon) {
    CommandRun run = eval("--epsilon", epsilon);
    assertThat(run.exitCode()).isEqualTo(Main.USAGE);
    assertThat(run.err())
        .startsWith("error: --epsilon " + Double.parseDouble(epsilon) + ": expected a finite ");
  }

  @Test
  void anExistingOutputIsRefusedBeforeAnythingIsRead() throws IOException {
    output = Files.writeString(folder.resolve("exists.npy"), "old");
    Files.delete(input);
    eval().requireError(Main.USAGE, output + " exists already; --overwrite replaces it");
    assertThat(output).hasContent("old");
    output = folder.resolve("out");
    eval("--overwrite").requireError(Main.USAGE, output + " is a folder, but the output is a file");
    output = folder.resolve("out/out.npy");
  }

  @Test
  void whatFailsLeavesTheOutputThatWasToBeReplaced() throws IOException {
    Path old = Files.writeString(folder.resolve("exists.npy"), "old");
    output = old;
    checkpoint = checkpoint(Map.of("bn", layer(1, -1)));
    eval("--overwrite").requireBadData(checkpoint, "VARIANCE");
    assertThat(old).hasContent("old");
    output = folder.resolve("out/out.npy");
    assertThat(names()).containsExactly("bn.safetensors", "exists.npy", "in.npy", "out");
  }

  @Test
  void anOutputThatCannotBeWrittenIsExitCode4() throws IOException {
    output = input.resolve("out.npy");
    eval()
        .requireError(
            Main.NOT_COMMITTED,
            "cannot write " + output + ": " + input + " is a file, but a folder is needed there");
    output = Path.of("/proc/out.npy");
    CommandRun run = eval();
    assertThat(run.err()).startsWith("error: cannot write /proc/out.npy: ").hasLineCount(1);
    assertThat(run.exitCode()).isEqualTo(Main.NOT_COMMITTED);
    output = folder.resolve("out/out.npy");
    assertThat(names()).containsExactly("bn.safetensors", "in.npy", "out");
  }

  private List<String> names() throws IOException {
    try (Stream<Path> left = Files.list(folder)) {
      return left.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void aFolderIsNoFile() throws IOException {
    Path directory = Files.createDirectories(folder.resolve("x.npy"));
    String message = directory + ": NOT_A_REGULAR_FILE: it is a folder, but a file is expected";
    Path good = input;
    input = directory;
    eval().requireError(Main.BAD_DATA, message);
    input = good;
    checkpoint = directory;
    eval().requireError(Main.BAD_DATA, message);
  }

  @Test
  void aFileThatIsNotThereIsNamed() throws IOException {
    Path absent = folder.resolve("absent");
    String message = absent + ": IO_NOT_FOUND: File " + absent + " does not exist";
    Path good = input;
    input = absent;
    eval().requireError(Main.BAD_DATA, message);
    input = good;
    checkpoint = absent;
    eval().requireError(Main.BAD_DATA, message);
    CommandRun.of("inspect", absent).requireBadData(absent, "IO_NOT_FOUND");
  }

  @Test
  void aPipeIsRefusedWithoutWaitingForIt() throws Exception {
    Path pipe = Files.createDirectories(folder.resolve("pipes")).resolve("pipe.npy");
    assumeTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0);
    String message =
        pipe + ": NOT_A_REGULAR_FILE: it is a pipe, socket or device, but a file is expected";
    Path good = input;
    assertTimeoutPreemptively(
        SOON,
        () -> {
          input = pipe;
          eval().requireError(Main.BAD_DATA, message);
          input = good;
          checkpoint = pipe;
          eval().requireError(Main.BAD_DATA, message);
          CommandRun.of("inspect", pipe).requireError(Main.BAD_DATA, message);
          CommandRun.of("inspect", pipe.getParent()).requireError(Main.BAD_DATA, message);
        });
  }
}
