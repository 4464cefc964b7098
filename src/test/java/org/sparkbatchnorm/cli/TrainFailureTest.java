package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.statistics.KernelChoice;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/** {@code train} that must not go through: one line, an exit code, and nothing written. */
class TrainFailureTest {
  @TempDir private Path folder;

  private Path checkpoint;
  private Path input;
  private Path output;
  private Path saved;

  @BeforeEach
  void writeGoodFiles() throws IOException {
    Path written = Files.createDirectories(folder.resolve("out"));
    output = written.resolve("out.npy");
    saved = written.resolve("after.safetensors");
    checkpoint = checkpoint(Map.of("bn", layer(1, 4)));
    input = array(DType.F32, Shape.of(3, 2)).write(folder.resolve("in.npy"));
  }

  @AfterEach
  void nothingWasWritten() {
    assertThat(folder.resolve("out")).isEmptyDirectory();
  }

  private static CheckpointLayer layer(double... variance) {
    return CheckpointLayer.of(DType.F32, new double[variance.length], variance)
        .withBatchesTracked(7);
  }

  private Path checkpoint(Map<String, CheckpointLayer> layers) throws IOException {
    return checkpoint(layers, Map.of());
  }

  private Path checkpoint(Map<String, CheckpointLayer> layers, Map<String, String> metadata)
      throws IOException {
    byte[] file = SafetensorsCheckpoint.encode(Checkpoint.of(layers, metadata), DType.F32);
    return Files.write(folder.resolve("bn.safetensors"), file);
  }

  private static NpyFile array(DType dtype, Shape shape) {
    return array(dtype, shape, ElementOrder.ROW_MAJOR);
  }

  private static NpyFile array(DType dtype, Shape shape, ElementOrder order) {
    double[] values = new double[(int) shape.elements()];
    Arrays.setAll(values, i -> i);
    return NpyFile.of(dtype, ByteOrder.LITTLE_ENDIAN, order, shape, values);
  }

  private CommandRun train(Object... options) {
    Object[] words = new Object[options.length + 7];
    words[0] = "train";
    words[1] = "--checkpoint";
    words[2] = checkpoint;
    words[3] = "--save-checkpoint";
    words[4] = saved;
    System.arraycopy(options, 0, words, 5, options.length);
    words[words.length - 2] = input;
    words[words.length - 1] = output;
    return CommandRun.of(words);
  }

  @Test
  void oneValuePerChannelIsRefusedByPyTorchAlone() throws IOException {
    input = array(DType.F32, Shape.of(1, 2)).write(folder.resolve("in.npy"));
    train()
        .requireError(
            Main.BAD_DATA,
            input
                + ": TOO_FEW_VALUES: Expected more than 1 value per channel when training, got"
                + " input size [1, 2]");
    train("--convention", "keras").requireDone();
    Files.delete(output);
    Files.delete(saved);
  }

  @Test
  void soIsOneThatAMaskLeaves() throws IOException {
    Path mask = array(DType.F32, Shape.of(2)).write(folder.resolve("mask.npy"));
    input = array(DType.F32, Shape.of(2, 2)).write(folder.resolve("in.npy"));
    train("--mask", mask)
        .requireError(
            Main.BAD_DATA,
            input
                + ": TOO_FEW_VALUES: Expected more than 1 value per channel when training, got 1");
  }

  @Test
  void aMaskThatLeavesNothingIsRefused() throws IOException {
    Path mask = array(DType.F32, Shape.of(1, 1)).write(folder.resolve("mask.npy"));
    input = array(DType.F32, Shape.of(1, 2, 1)).write(folder.resolve("in.npy"));
    train("--convention", "keras", "--mask", mask)
        .requireError(
            Main.BAD_DATA, mask + ": ALL_MASKED: the mask leaves no value to take statistics of");
  }

  @Test
  void aMaskOfAnotherShapeIsRefused() throws IOException {
    Path mask = array(DType.F32, Shape.of(3, 2)).write(folder.resolve("mask.npy"));
    train("--mask", mask)
        .requireError(
            Main.BAD_DATA,
            mask
                + " at byte 0: SHAPE_MISMATCH: shape [3, 2], expected [3]: that of the activations,"
                + " [3, 2], without the axis of the channels");
  }

  @Test
  void aMaskInAnotherOrderIsRefused() throws IOException {
    input = array(DType.F32, Shape.of(3, 2, 4)).write(folder.resolve("in.npy"));
    Path mask =
        array(DType.F32, Shape.of(3, 4), ElementOrder.COLUMN_MAJOR)
            .write(folder.resolve("mask.npy"));
    train("--mask", mask)
        .requireError(
            Main.BAD_DATA,
            mask
                + " at byte 0: ELEMENT_ORDER: elements in column-major (Fortran) order, expected"
                + " row-major (C) order, as the activations");
  }

  @Test
  void aMaskThatIsNoneIsRefused() throws IOException {
    Path mask = Files.writeString(folder.resolve("mask.npy"), "mask");
    train("--mask", mask).requireBadData(mask, "MAGIC");
    Files.delete(mask);
    train("--mask", mask).requireBadData(mask, "IO_NOT_FOUND");
  }

  @Test
  void anotherNumberOfChannelsIsRefused() throws IOException {
    input = array(DType.F32, Shape.of(2, 3)).write(folder.resolve("in.npy"));
    train()
        .requireError(
            Main.BAD_DATA,
            input
                + " at byte 0: SHAPE_MISMATCH: shape [2, 3]: running_mean should contain 3 elements"
                + " not 2");
  }

  @Test
  void integersAndBooleansAreNoActivations() throws IOException {
    byte[] header =
        NpyHeader.of(DType.U8, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, Shape.of(3, 2))
            .toBytes();
    byte[] content = Arrays.copyOf(header, header.length + 6);
    Files.write(input, content);
    train()
        .requireError(
            Main.BAD_DATA,
            input + " at byte 0: DTYPE: the array holds U8, but floats are expected");
    // numpy's word for truth values, which only a mask may hold.
    content[indexOf(header, (byte) 'u')] = 'b';
    Files.write(input, content);
    train().requireBadData(input, "DTYPE");
    train("--mask", input).requireBadData(input, "DTYPE");
  }

  private static int indexOf(byte[] bytes, byte wanted) {
    for (int i = 0; i < bytes.length - 1; i++) {
      if (bytes[i] == wanted && bytes[i + 1] == '1') {
        return i;
      }
    }
    throw new IllegalArgumentException("not there");
  }

  @Test
  void aLayerMustBeThereAndNamedAmongSeveral() throws IOException {
    train("--layer", "bn2")
        .requireError(
            Main.BAD_DATA, checkpoint + ": LAYER_MISSING: no layer 'bn2', expected one of 'bn'");
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    layers.put("a", layer(1, 1));
    layers.put("b", layer(1, 1));
    checkpoint = checkpoint(layers);
    train().requireError(Main.USAGE, "--layer is needed: " + checkpoint + " has the layers a, b");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-0.1", "1.01", "NaN", "0x1p-1", "None", "", "0.1f"})
  void aMomentumIsBetween0And1(String momentum) {
    requireUsageError(
        train("--momentum", momentum),
        "--momentum " + momentum + ": expected a number between 0 and 1, or none");
  }

  @ParameterizedTest
  @CsvSource({
    "--convention, torch, 'expected one of pytorch, keras, keras-fused, flax, onnx'",
    "--epsilon, -1.0, expected a finite number of 0 or more",
    "--layout, NHCW, 'expected one of channels-first, channels-last, NC, NCL, NLC, NCHW, NHWC,"
        + " NCDHW, NDHWC'"
  })
  void wordsThatMeanNothingAreRefused(String option, String word, String expected) {
    requireUsageError(train(option, word), option + " " + word + ": " + expected);
  }

  private static void requireUsageError(CommandRun run, String message) {
    assertThat(run.exitCode()).isEqualTo(Main.USAGE);
    assertThat(run.err().lines())
        .containsExactly("error: " + message, "see spark-batchnorm train --help");
  }

  @Test
  void theCumulativeAverageNeedsTheNumberOfMiniBatches() throws IOException {
    checkpoint =
        checkpoint(Map.of("bn", CheckpointLayer.of(DType.F32, new double[2], new double[2])));
    train("--momentum", "none")
        .requireError(
            Main.BAD_DATA,
            checkpoint
                + ": COUNT_UNKNOWN: layer 'bn' has no num_batches_tracked, without which there is"
                + " no cumulative average (--momentum none)");
  }

  @Test
  void aNumberOfMiniBatchesThatCannotGrowIsRefused() throws IOException {
    checkpoint = checkpoint(Map.of("bn", layer(1, 4).withBatchesTracked(Long.MAX_VALUE)));
    train()
        .requireError(
            Main.BAD_DATA,
            checkpoint
                + ": COUNT_OVERFLOW: num_batches_tracked of layer 'bn' is 2^63 - 1, and cannot"
                + " grow");
  }

  @Test
  void aConstantChannelNeedsAnEpsilon() throws IOException {
    double[] values = {1, 2, 1, 3, 1, 4};
    input =
        NpyFile.of(
                DType.F32, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, Shape.of(3, 2), values)
            .write(folder.resolve("in.npy"));
    train("--epsilon", "0")
        .requireError(
            Main.BAD_DATA,
            input
                + ": VARIANCE: scale of channel 0 exceeds a double: gamma 1.0, variance 0.0,"
                + " epsilon 0.0");
  }

  @Test
  void aConventionThatIsNotKnownIsNamed() throws IOException {
    checkpoint = checkpoint(Map.of("bn", layer(1, 4)), Map.of(MetadataKeys.CONVENTION, "caffe"));
    train()
        .requireError(
            Main.BAD_DATA,
            checkpoint
                + ": METADATA: spark-batchnorm.convention is 'caffe', expected one of pytorch,"
                + " keras, keras-fused, flax, onnx");
    train("--convention", "pytorch").requireDone();
    Files.delete(output);
    Files.delete(saved);
  }

  @Test
  void existingOutputsAreRefusedBeforeAnythingIsRead() throws IOException {
    Path there = Files.writeString(folder.resolve("there.safetensors"), "old");
    final Path good = checkpoint;
    Files.delete(input);
    saved = there;
    train().requireError(Main.USAGE, there + " exists already; --overwrite replaces it");
    saved = good;
    train().requireError(Main.USAGE, good + " exists already; --overwrite replaces it");
    saved = folder.resolve("out/after.safetensors");
    output = there;
    checkpoint = folder.resolve("absent.safetensors");
    train().requireError(Main.USAGE, there + " exists already; --overwrite replaces it");
    assertThat(there).hasContent("old");
  }

  @Test
  void bothOutputsMustBeFilesOfTheirOwn() {
    output = saved;
    train("--overwrite")
        .requireError(
            Main.USAGE, "the output and the saved checkpoint are the same file, " + saved);
  }

  /** Its weights alone do not say whether they are a gamma or a beta: neither would do. */
  @Test
  void aLayerWhoseGammaMayBeABetaIsRefused() {
    checkpoint =
        Path.of(System.getProperty("basedir", ""))
            .toAbsolutePath()
            .resolve("src/test/resources/golden/keras/keras-3.15.1/sequential.weights.h5");
    saved = folder.resolve("out/after.weights.h5");
    train("--layer", "batch_normalization").requireBadData(checkpoint, "AFFINE_UNKNOWN");
  }

  @Test
  void theFormatOfTheCheckpointMustBeKnown() throws IOException {
    Path good = checkpoint;
    checkpoint = Files.copy(good, folder.resolve("bn.bin"));
    CommandRun run = train();
    assertThat(run.exitCode()).isEqualTo(Main.USAGE);
    assertThat(run.err())
        .startsWith("error: --checkpoint " + checkpoint + ": expected a path that ends in ")
        .contains(".safetensors")
        .hasLineCount(1);
    checkpoint = good;
    saved = folder.resolve("out/after.pt");
    train()
        .requireError(
            Main.USAGE,
            "--save-checkpoint "
                + saved
                + ": expected a path that ends in .safetensors, .safetensors.index.json");
  }

  @Test
  void whatFailsLeavesWhatWasToBeReplaced() throws IOException {
    Path old = Files.writeString(folder.resolve("old.npy"), "old");
    output = old;
    saved = checkpoint;
    byte[] before = Files.readAllBytes(checkpoint);
    byte[] content = Files.readAllBytes(input);
    Files.write(input, Arrays.copyOf(content, content.length - 1));
    train("--overwrite").requireBadData(input, "DATA_TRUNCATED");
    assertThat(old).hasContent("old");
    assertThat(checkpoint).hasBinaryContent(before);
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left.map(file -> file.getFileName().toString()).sorted())
          .isEqualTo(List.of("bn.safetensors", "in.npy", "old.npy", "out"));
    }
  }

  @Test
  void anOutputThatCannotBeWrittenIsExitCode4() {
    output = input.resolve("out.npy");
    train()
        .requireError(
            Main.NOT_COMMITTED,
            "cannot write " + output + ": " + input + " is a file, but a folder is needed there");
    output = folder.resolve("out/out.npy");
    saved = input.resolve("after.safetensors");
    train()
        .requireError(
            Main.NOT_COMMITTED,
            "cannot write " + saved + ": " + input + " is a file, but a folder is needed there");
  }

  @Test
  void aKernelThatIsNoneIsAUsageError() {
    System.setProperty(KernelChoice.PROPERTY, "fast");
    try {
      String message = "spark.batchnorm.kernel=fast, expected scalar or vector";
      train().requireError(Main.USAGE, message);
      CommandRun.of("eval", "--checkpoint", checkpoint, input, output)
          .requireError(Main.USAGE, message);
    } finally {
      System.clearProperty(KernelChoice.PROPERTY);
    }
  }

  @Test
  void bothCheckpointsAreNeeded() {
    CommandRun run = CommandRun.of("train", "--checkpoint", checkpoint, input, output);
    assertThat(run.exitCode()).isEqualTo(Main.USAGE);
    assertThat(run.err()).contains("--save-checkpoint=FILE");
  }
}
