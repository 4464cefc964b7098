package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.Model;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.checkpoint.ModelOptions;
import org.sparkbatchnorm.checkpoint.Naming;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.statistics.KernelChoice;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/** {@code train} and {@code eval} after it: the worked numbers, and what a step leaves alone. */
class TrainTest {
  @TempDir private Path folder;

  private Path saved() {
    return folder.resolve("after.safetensors");
  }

  private Path output() {
    return folder.resolve("out.npy");
  }

  private static CheckpointLayer fresh(DType dtype, int channels) {
    double[] ones = new double[channels];
    Arrays.fill(ones, 1);
    return CheckpointLayer.of(dtype, new double[channels], ones).withBatchesTracked(0);
  }

  private Path checkpoint(DType dtype, Map<String, CheckpointLayer> layers) throws IOException {
    return Files.write(
        folder.resolve("before.safetensors"),
        SafetensorsCheckpoint.encode(Checkpoint.of(layers, Map.of()), dtype));
  }

  /** A new layer. */
  private Path checkpoint(DType dtype, int channels) throws IOException {
    return checkpoint(dtype, Map.of("bn", fresh(dtype, channels)));
  }

  private static CheckpointLayer layer(Path checkpoint, String name) throws IOException {
    byte[] content = Files.readAllBytes(checkpoint);
    return SafetensorsCheckpoint.decode(ReadableBytes.of(checkpoint.toString(), content))
        .layer(name);
  }

  private Path array(DType dtype, Shape shape, double... values) throws IOException {
    return NpyFile.of(dtype, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, shape, values)
        .write(folder.resolve("in.npy"));
  }

  private Path mask(String descr, String shape, byte... values) throws IOException {
    String dict = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
    byte[] header =
        (dict + " ".repeat(117 - dict.length()) + "\n").getBytes(StandardCharsets.US_ASCII);
    ByteBuffer file = ByteBuffer.allocate(128 + values.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    file.putShort((short) 118).put(header).put(values);
    return Files.write(folder.resolve("mask.npy"), file.array());
  }

  private NpyFile run(String command, Path checkpoint, Path input, Object... options)
      throws IOException {
    Files.deleteIfExists(output());
    Object[] words = new Object[options.length + 5];
    words[0] = command;
    words[1] = "--checkpoint";
    words[2] = checkpoint;
    System.arraycopy(options, 0, words, 3, options.length);
    words[words.length - 2] = input;
    words[words.length - 1] = output();
    assertThat(CommandRun.of(words).requireDone().out()).isEmpty();
    return NpyFile.read(output());
  }

  private NpyFile train(Path checkpoint, Path input, Object... options) throws IOException {
    Files.deleteIfExists(saved());
    Object[] words = new Object[options.length + 2];
    System.arraycopy(options, 0, words, 0, options.length);
    words[words.length - 2] = "--save-checkpoint";
    words[words.length - 1] = saved();
    return run("train", checkpoint, input, words);
  }

  /** Acceptance 1 to 4, in floats as the frameworks have them. */
  @Test
  void onesThroughAFreshLayer() throws IOException {
    Shape shape = Shape.of(20, 100, 35, 45);
    double[] values = new double[(int) shape.elements()];
    Arrays.fill(values, 1);
    Path ones = array(DType.F32, shape, values);
    Path fresh = checkpoint(DType.F32, 100);
    assertThat(run("eval", fresh, ones).rowMajor()).containsOnly((float) 0.9999949932);
    assertThat(run("eval", fresh, ones, "--convention", "keras").rowMajor())
        .containsOnly((float) 0.9995003939);

    NpyFile trained = train(fresh, ones);
    assertThat(trained.rowMajor()).containsOnly(0);
    assertThat(trained.header()).isEqualTo(NpyFile.read(ones).header());
    assertThat(layer(saved(), "bn").mean()).containsOnly(0.1f);
    assertThat(layer(saved(), "bn").variance()).containsOnly((float) 0.8999999762);
    assertThat(layer(saved(), "bn").batchesTracked()).hasValue(1);
    assertThat(run("eval", saved(), ones).rowMajor()).containsOnly((float) 0.9486780167);

    assertThat(train(fresh, ones, "--convention", "keras").rowMajor()).containsOnly(0);
    assertThat(run("eval", saved(), ones, "--convention", "keras").rowMajor())
        .containsOnly((float) 0.9944852985749643);
  }

  /** Acceptance 2, 3 and 4, in doubles. */
  @Test
  void oneInDoubles() throws IOException {
    Path ones = array(DType.F64, Shape.of(2, 1), 1, 1);
    Path fresh = checkpoint(DType.F64, 1);
    assertThat(run("eval", fresh, ones).rowMajor()).containsOnly(0.9999950000374997);
    assertThat(run("eval", fresh, ones, "--convention", "keras-fused").rowMajor())
        .containsOnly(0.9995003746877732);
    train(fresh, ones);
    assertThat(run("eval", saved(), ones).rowMajor()[0])
        .isEqualTo(0.948678027631667, offset(1e-15));
    train(fresh, ones, "--convention", "keras");
    assertThat(run("eval", saved(), ones, "--convention", "keras").rowMajor()[0])
        .isEqualTo(0.9944852985749643, offset(1e-15));
  }

  /** Acceptance 7. */
  @ParameterizedTest
  @CsvSource({
    "pytorch, 0.1, 1.0666666666666667",
    "flax, 0.9, 1.025",
    "onnx, 0.9, 1.025",
    "keras, 0, 1.25",
    "keras-fused, 0, 1.6666666666666667"
  })
  void eachConventionHasItsVarianceAndItsMomentum(
      String convention, String momentum, double variance) throws IOException {
    train(
        checkpoint(DType.F64, 1),
        array(DType.F64, Shape.of(4, 1), 1, 2, 3, 4),
        "--convention",
        convention,
        "--momentum",
        momentum);
    assertThat(layer(saved(), "bn").variance()[0]).isEqualTo(variance, offset(3e-16));
  }

  /** Acceptance 8. */
  @Test
  void momentumOneKeepsNothing() throws IOException {
    Path rows = array(DType.F32, Shape.of(3, 4), 2, 15, 2, 1, 2, 17, 2, 1, -4, -2, -2, -1);
    train(checkpoint(DType.F64, 4), rows, "--momentum", "1");
    assertThat(layer(saved(), "bn").mean()).containsExactly(0, 10, 2 / 3.0, 1 / 3.0);
    assertThat(layer(saved(), "bn").variance()).containsExactly(12, 109, 16 / 3.0, 4 / 3.0);
  }

  /** Acceptance 10: each step replaces the checkpoint. */
  @Test
  void tenStepsOnOneCheckpoint() throws IOException {
    Path checkpoint = checkpoint(DType.F64, 1);
    Path input = array(DType.F32, Shape.of(2, 1), 3, 7);
    for (int i = 0; i < 10; i++) {
      run("train", checkpoint, input, "--save-checkpoint", checkpoint, "--overwrite");
    }
    assertThat(layer(checkpoint, "bn").mean()[0]).isEqualTo(3.2566078, offset(5e-8));
    assertThat(layer(checkpoint, "bn").variance()[0]).isEqualTo(5.5592509, offset(5e-8));
    assertThat(layer(checkpoint, "bn").batchesTracked()).hasValue(10);
  }

  /** Acceptance 11: what update_bn leaves. */
  @Test
  void withoutMomentumItIsTheAverageOfTheMiniBatches() throws IOException {
    Path checkpoint = checkpoint(DType.F64, 1);
    Object[] options = {"--momentum", "none", "--save-checkpoint", checkpoint, "--overwrite"};
    run("train", checkpoint, array(DType.F64, Shape.of(4, 1), 1, 2, 3, 4), options);
    run("train", checkpoint, array(DType.F64, Shape.of(2, 1), 10, 12), options);
    assertThat(layer(checkpoint, "bn").mean()).containsExactly(6.75);
    assertThat(layer(checkpoint, "bn").variance()[0]).isEqualTo(11 / 6.0, offset(3e-16));
  }

  /** Acceptance 16. */
  @Test
  void aMiniBatchWithoutRowsCounts() throws IOException {
    Path checkpoint =
        checkpoint(
            DType.F64,
            Map.of(
                "bn",
                CheckpointLayer.of(DType.F64, new double[] {2, 3}, new double[] {5, 7})
                    .withBatchesTracked(4)));
    NpyFile output = train(checkpoint, array(DType.F32, Shape.of(0, 2)));
    assertThat(output.rowMajor()).isEmpty();
    assertThat(layer(saved(), "bn")).isEqualTo(layer(checkpoint, "bn").withBatchesTracked(5));
  }

  /** Acceptance 17, as numpy stores truth values; then as bytes and as halves of any value. */
  @ParameterizedTest
  @ValueSource(strings = {"|b1", "|u1", "|i1", "<f2"})
  void maskedPositionsDoNotCount(String descr) throws IOException {
    int rows = 10;
    double[] x = new double[rows * 8];
    int width = descr.equals("<f2") ? 2 : 1;
    byte[] mask = new byte[rows * 4 * width];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(new double[] {1, 5, 2, 5, 70, -3, 80, 9}, 0, x, 8 * row, 8);
      mask[4 * row * width] = 1;
      mask[(4 * row + 1) * width] = (byte) (descr.equals("|b1") ? 1 : -1);
    }
    NpyFile output =
        train(
            checkpoint(DType.F64, 2),
            array(DType.F64, Shape.of(rows, 4, 2), x),
            "--layout",
            "channels-last",
            "--convention",
            "keras",
            "--momentum",
            "0",
            "--mask",
            mask(descr, "(10, 4)", mask));
    assertThat(layer(saved(), "bn").mean()).containsExactly(1.5, 5);
    assertThat(layer(saved(), "bn").variance()).containsExactly(.25, 0);
    assertThat(output.rowMajor()[4]).isEqualTo((70 - 1.5) / Math.sqrt(.25 + 1e-3), offset(1e-13));
  }

  /** More than a block of the file, and more than a part of the mask. */
  @ParameterizedTest
  @CsvSource({"NCL, 2, 3, 100003", "NLC, 2, 100003, 3"})
  void aLargeMaskedFile(String layout, int n, int second, int third) throws IOException {
    long seed = 17;
    SplittableRandom random = new SplittableRandom(seed);
    Shape shape = Shape.of(n, second, third);
    boolean last = layout.equals("NLC");
    int positions = last ? second : third;
    double[] x = new double[n * second * third];
    byte[] mask = new byte[n * positions];
    double[] sums = new double[3];
    int counted = 0;
    for (int p = 0; p < mask.length; p++) {
      mask[p] = (byte) random.nextInt(2);
      counted += mask[p];
      for (int c = 0; c < 3; c++) {
        int value = random.nextInt(-9, 10);
        int image = p / positions;
        int place = p % positions;
        x[last ? 3 * p + c : (3 * image + c) * positions + place] = value;
        sums[c] += mask[p] * value;
      }
    }
    train(
        checkpoint(DType.F64, 3),
        array(DType.F32, shape, x),
        "--layout",
        layout,
        "--momentum",
        "1",
        "--mask",
        mask("|b1", "(" + n + ", " + positions + ")", mask));
    for (int c = 0; c < 3; c++) {
      assertThat(layer(saved(), "bn").mean()[c])
          .as("seed %d, channel %d", seed, c)
          .isEqualTo(sums[c] / counted);
    }
  }

  /** Both commands, to the byte. */
  @ParameterizedTest
  @ValueSource(strings = {"F64", "F32", "F16"})
  void eitherKernelWritesTheSameFiles(DType dtype) throws IOException {
    SplittableRandom random = new SplittableRandom(5);
    Path checkpoint = checkpoint(DType.F32, 7);
    Shape shape = Shape.of(3, 7, 1001);
    Path input = array(dtype, shape, random.doubles(3 * 7 * 1001, -3, 5).toArray());
    byte[][] written = new byte[6][];
    int i = 0;
    for (String kernel : new String[] {"scalar", "vector"}) {
      System.setProperty(KernelChoice.PROPERTY, kernel);
      try {
        train(checkpoint, input);
        written[i++] = Files.readAllBytes(output());
        written[i++] = Files.readAllBytes(saved());
        run("eval", saved(), input);
        written[i++] = Files.readAllBytes(output());
      } finally {
        System.clearProperty(KernelChoice.PROPERTY);
      }
    }
    assertThat(written[3]).isEqualTo(written[0]);
    assertThat(written[4]).isEqualTo(written[1]);
    assertThat(written[5]).isEqualTo(written[2]).isNotEqualTo(written[0]);
  }

  /** Layout, byte order and element order change where an element stands, and no bit of it. */
  @Test
  void everyFormOfAFileGivesTheSame() throws IOException {
    SplittableRandom random = new SplittableRandom(9);
    Shape shape = Shape.of(3, 4, 5, 2);
    double[] x = random.doubles(120, -1, 3).toArray();
    NpyFile first =
        NpyFile.of(DType.F32, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, shape, x);
    Path checkpoint = checkpoint(DType.F64, 4);
    NpyFile expected = train(checkpoint, first.write(folder.resolve("in.npy")));
    CheckpointLayer after = layer(saved(), "bn");
    for (ElementOrder order : ElementOrder.values()) {
      for (ByteOrder bytes : new ByteOrder[] {ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN}) {
        NpyFile nchw = first.as(DType.F32, bytes, order);
        NpyFile found = train(checkpoint, nchw.write(folder.resolve("in.npy")));
        assertThat(found.rowMajor()).isEqualTo(expected.rowMajor());
        assertThat(layer(saved(), "bn")).isEqualTo(after);
        NpyFile nhwc = first.channelsLast().as(DType.F32, bytes, order);
        found = train(checkpoint, nhwc.write(folder.resolve("in.npy")), "--layout", "NHWC");
        assertThat(found.rowMajor()).isEqualTo(expected.channelsLast().rowMajor());
        assertThat(layer(saved(), "bn")).isEqualTo(after);
      }
    }
  }

  @Test
  void onlyTheStatisticsOfTheLayerChangeInTheCheckpoint() throws IOException {
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    layers.put("other", fresh(DType.F16, 3));
    layers.put(
        "bn", fresh(DType.F16, 2).withGamma(new double[] {2, 3}).withBeta(new double[] {0.5, -1}));
    Path checkpoint =
        Files.write(
            folder.resolve("before.safetensors"),
            SafetensorsCheckpoint.encode(
                Checkpoint.of(layers, Map.of(MetadataKeys.EPSILON, "0.25", "mine", "é")),
                DType.F16));
    NpyFile output =
        train(checkpoint, array(DType.F64, Shape.of(2, 2), 1, 10, 3, 30), "--layer", "bn");
    byte[] before = Files.readAllBytes(checkpoint);
    byte[] after = Files.readAllBytes(saved());
    assertThat(after).hasSameSizeAs(before);
    int changed = 0;
    for (int i = 0; i < before.length; i++) {
      changed += before[i] == after[i] ? 0 : 1;
    }
    // Two means and two variances of two bytes, and the lowest byte of the number of batches.
    assertThat(changed).isBetween(5, 9);
    CheckpointLayer trained = layer(saved(), "bn");
    // In half precision, rounded once: 0.2 is 819 / 4096.
    assertThat(trained.mean()).containsExactly(819 / 4096.0, 2);
    assertThat(trained.batchesTracked()).hasValue(1);
    assertThat(trained.gamma().orElseThrow()).containsExactly(2, 3);
    assertThat(layer(saved(), "other")).isEqualTo(layer(checkpoint, "other"));
    // gamma (x - mean) / sqrt(variance + 0.25) + beta, by the checkpoint's epsilon
    assertThat(output.rowMajor()[0]).isEqualTo(2 * -1 / Math.sqrt(1.25) + 0.5, offset(1e-15));
    assertThat(output.rowMajor()[3]).isEqualTo(3 * 10 / Math.sqrt(100.25) - 1, offset(1e-14));
  }

  /** Keras' names stay, and what the checkpoint records is its default. */
  @Test
  void aCheckpointMayRecordItsConvention() throws IOException {
    Checkpoint keras =
        Checkpoint.of(Map.of("bn", fresh(DType.F64, 1)), Map.of(MetadataKeys.CONVENTION, "keras"));
    Path checkpoint =
        Files.write(
            folder.resolve("before.safetensors"),
            SafetensorsCheckpoint.encode(keras, DType.F64, Naming.KERAS));
    Path input = array(DType.F64, Shape.of(4, 1), 1, 2, 3, 4);
    train(checkpoint, input);
    assertThat(layer(saved(), "bn").mean()[0]).isEqualTo(0.025, offset(1e-16));
    assertThat(layer(saved(), "bn").variance()[0]).isEqualTo(0.99 + 0.01 * 1.25, offset(2e-16));
    assertThat(layer(saved(), "bn").batchesTracked()).isEmpty();
    train(checkpoint, input, "--convention", "pytorch");
    assertThat(layer(saved(), "bn").mean()[0]).isEqualTo(0.25);
  }

  /** The convention of the format: momentum 0.99, biased, the layer's own epsilon. */
  @Test
  void aKerasModelIsTrainedAsKerasDoes() throws IOException {
    Path model =
        Path.of(System.getProperty("basedir", ""))
            .toAbsolutePath()
            .resolve("src/test/resources/golden/keras/keras-3.15.1/sequential.keras");
    Path after = folder.resolve("after.keras");
    Path input = array(DType.F64, Shape.of(2, 3), 1, 2, 3, 5, 6, 7);
    NpyFile output = run("train", model, input, "--layer", "stem", "--save-checkpoint", after);
    CheckpointLayer old = kerasLayer(model);
    CheckpointLayer trained = kerasLayer(after);
    for (int c = 0; c < 3; c++) {
      double mean = 0.99 * old.mean()[c] + 0.01 * (3 + c);
      double variance = 0.99 * old.variance()[c] + 0.01 * 4;
      assertThat(trained.mean()[c]).isEqualTo((float) mean, offset((double) Math.ulp(1f)));
      assertThat(trained.variance()[c]).isEqualTo((float) variance, offset((double) Math.ulp(1f)));
      double normalized = 2 / Math.sqrt(4 + 1e-3);
      assertThat(output.rowMajor()[3 + c])
          .isEqualTo(
              old.gamma().orElseThrow()[c] * normalized + old.beta().orElseThrow()[c],
              offset(1e-15));
    }
    assertThat(trained.gamma().orElseThrow()).isEqualTo(old.gamma().orElseThrow());
  }

  private static CheckpointLayer kerasLayer(Path model) throws IOException {
    try (Model opened =
        Model.open(
            Storage.ofClassPath(), model.toString(), ModelFormat.KERAS, ModelOptions.none())) {
      return opened.checkpoint().layer("stem");
    }
  }

  /** One value that is not a number poisons its channel, as in PyTorch. */
  @Test
  void whatIsNotFinitePoisonsItsChannel() throws IOException {
    NpyFile output =
        train(checkpoint(DType.F32, 2), array(DType.F32, Shape.of(2, 2), Double.NaN, 1, 2, 3));
    assertThat(layer(saved(), "bn").mean()[0]).isNaN();
    assertThat(layer(saved(), "bn").variance()[0]).isNaN();
    assertThat(layer(saved(), "bn").mean()[1]).isEqualTo(0.2f);
    assertThat(output.rowMajor()[0]).isNaN();
    assertThat(output.rowMajor()[2]).isNaN();
    assertThat(output.rowMajor()[1]).isNegative();
  }
}
