package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.tensor.DType;

/** Running statistics from one convention to another, and what is said about it. */
class ConvertTest {
  @TempDir private Path folder;

  private Path statistics(String estimator, DType dtype, double mean, double variance)
      throws IOException {
    Map<String, String> metadata =
        Map.of(
            MetadataKeys.ESTIMATOR, estimator,
            MetadataKeys.EPSILON, "1.0E-5",
            MetadataKeys.CONVENTION, "pytorch",
            MetadataKeys.LAYERS, "{\"bn\":{\"count\":5,\"miniBatches\":2}}");
    CheckpointLayer layer =
        CheckpointLayer.of(DType.F64, new double[] {mean}, new double[] {variance})
            .withBatchesTracked(2);
    return Files.write(
        folder.resolve("in.safetensors"),
        SafetensorsCheckpoint.encode(Checkpoint.of(Map.of("bn", layer), metadata), dtype));
  }

  private Path output() {
    return folder.resolve("out.safetensors");
  }

  @Test
  void unbiasedBecomesBiasedWhereNIsKnownAndEverythingThatDiffersIsSaid() throws IOException {
    Path in = statistics("pooled-unbiased", DType.F64, 3, 2.5);
    CommandRun run = CommandRun.of("convert", in, output(), "--convention", "keras").requireDone();
    assertThat(run.out())
        .isEqualTo(
            "wrote "
                + output()
                + ": 1 layer, keras, F64\n"
                + """
                variance: was unbiased, is biased: times (n - 1) / n with the n of each channel
                epsilon: 1.0E-5 goes with these statistics, but a layer of keras adds 0.001 unless \
                it is told otherwise: set its epsilon to 1.0E-5
                momentum: the 0.1 of pytorch (weight of the new value) is 0.9 in keras
                channels: axis 1 in pytorch, axis -1 in keras
                names: moving_mean, moving_variance, gamma, beta
                num_batches_tracked: in the metadata alone
                """);
    Checkpoint read = ModelFiles.read(output());
    assertThat(read.layer("bn").mean()).containsExactly(3);
    assertThat(read.layer("bn").variance()).containsExactly(2);
    assertThat(read.layer("bn").batchesTracked()).isEmpty();
    assertThat(read.metadata())
        .containsEntry(MetadataKeys.ESTIMATOR, "pooled-biased")
        .containsEntry(MetadataKeys.CONVENTION, "keras")
        .containsEntry(MetadataKeys.EPSILON, "1.0E-5");
    assertThat(Files.readString(output(), java.nio.charset.StandardCharsets.ISO_8859_1))
        .contains("\"bn.moving_mean\"", "\"bn.moving_variance\"");

    Path back = folder.resolve("back.safetensors");
    CommandRun.of("convert", output(), back, "--convention", "pytorch").requireDone();
    assertThat(ModelFiles.read(back).layer("bn").variance()).containsExactly(2.5);
    assertThat(ModelFiles.read(back).layer("bn").batchesTracked()).hasValue(2);
    assertThat(ModelFiles.read(back).metadata())
        .containsEntry(MetadataKeys.ESTIMATOR, "pooled-unbiased");
  }

  @Test
  void withoutAConventionOnlyTheFileIsAnother() throws IOException {
    Path in = statistics("paper", DType.F32, 3, 2.5);
    assertThat(CommandRun.of("convert", in, output()).requireDone().out())
        .isEqualTo(
            "wrote "
                + output()
                + ": 1 layer, pytorch, F32\n"
                + "variance: unbiased, as it was\n"
                + "epsilon: 1.0E-5 goes with these statistics, as in a layer of its own\n");
    assertThat(ModelFiles.read(output())).isEqualTo(ModelFiles.read(in));
  }

  @Test
  void aVarianceOfUnknownCountIsNotConverted() throws IOException {
    Path model = ModelFiles.write(folder.resolve("m.safetensors"), "bn");
    CommandRun.of("convert", model, output(), "--convention", "keras")
        .requireError(
            Main.BAD_DATA,
            model
                + ": COUNT_UNKNOWN: the variances of layer 'bn' are unbiased, and those of the"
                + " convention biased: they must be multiplied by (n - 1) / n, but how many values"
                + " they come from is not recorded; recalibrate with --convention and the estimator"
                + " wanted, or keep the convention");
    Path paper = statistics("paper", DType.F32, 3, 2.5);
    CommandRun.of("convert", paper, output(), "--convention", "flax")
        .requireBadData(paper, "COUNT_UNKNOWN");
    assertThat(output()).doesNotExist();
    CommandRun.of("convert", model, output(), "--convention", "keras-fused").requireDone();
  }

  @Test
  void whatATypeHasNoRoomForIsSaid() throws IOException {
    Path in = statistics("pooled-unbiased", DType.F32, 70000, 1e-8);
    assertThat(CommandRun.of("convert", in, output(), "--dtype", "F16").requireDone().out())
        .endsWith(
            """
            range: layer bn: beyond the range of F16 in 1 of 1 channel (0)
            range: layer bn: a variance that is 0 in F16 in 1 of 1 channel (0)
            """);
    assertThat(ModelFiles.read(output()).layer("bn").mean())
        .containsExactly(Double.POSITIVE_INFINITY);
  }

  @Test
  void anotherFormatsNamesAndWhatItHasNoPlaceForAreSaid() throws IOException {
    Path npz = folder.resolve("out.npz");
    assertThat(
            CommandRun.of("convert", statistics("paper", DType.F32, 3, 2.5), npz)
                .requireDone()
                .out())
        .endsWith(
            """
            names: LAYER/mean, LAYER/variance, LAYER/gamma, LAYER/beta, as in every .npz
            num_batches_tracked: in the metadata alone
            """);
    assertThat(CommandRun.of("convert", npz, output()).requireDone().out())
        .endsWith("names: running_mean, running_var, weight, bias\n");
    assertThat(ModelFiles.read(output()).layer("bn").batchesTracked()).hasValue(2);
    CheckpointLayer layer =
        CheckpointLayer.of(DType.F64, new double[] {1}, new double[] {2}).withBatchesTracked(3);
    Path foreign =
        Files.write(
            folder.resolve("foreign.safetensors"),
            SafetensorsCheckpoint.encode(Checkpoint.of(Map.of("bn", layer), Map.of()), DType.F32));
    assertThat(CommandRun.of("convert", foreign, folder.resolve("foreign.npz")).requireDone().out())
        .endsWith("num_batches_tracked: left out, as there is no name for it\n");
  }

  @Test
  void everyEpsilonIsSaidAndWhereItComesFrom() throws IOException {
    CheckpointLayer layer = CheckpointLayer.of(DType.F64, new double[] {1}, new double[] {2});
    Path in =
        Files.write(
            folder.resolve("two.safetensors"),
            SafetensorsCheckpoint.encode(
                Checkpoint.of(
                    Map.of("a", layer, "b", layer),
                    Map.of(MetadataKeys.EPSILON + ".b", "0.5", MetadataKeys.CONVENTION, "flax")),
                DType.F32));
    assertThat(CommandRun.of("convert", in, output(), "--convention", "keras").requireDone().out())
        .contains(
            """
            epsilon: not recorded for some layers; taken to be the 1.0E-5 that a layer of flax has \
            unless it is told otherwise
            epsilon: 1.0E-5 goes with layer a, but a layer of keras adds 0.001 unless it is told \
            otherwise: set its epsilon to 1.0E-5
            epsilon: 0.5 goes with layer b, but a layer of keras adds 0.001 unless it is told \
            otherwise: set its epsilon to 0.5
            """);
    Path pytorch = ModelFiles.write(folder.resolve("m.safetensors"), "bn");
    Path fused = folder.resolve("fused.safetensors");
    assertThat(
            CommandRun.of("convert", pytorch, fused, "--convention", "keras-fused")
                .requireDone()
                .out())
        .contains("is 0.9 in keras-fused");
    assertThat(
            CommandRun.of("convert", in, folder.resolve("o.safetensors"), "--convention", "onnx")
                .requireDone()
                .out())
        .contains("variance: biased, as it was");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {MetadataKeys.EPSILON + ".bn", MetadataKeys.CONVENTION, MetadataKeys.LAYERS})
  void badMetadataAreFoundBeforeAnythingIsWritten(String key) throws IOException {
    CheckpointLayer layer = CheckpointLayer.of(DType.F64, new double[] {1}, new double[] {2});
    Path in =
        Files.write(
            folder.resolve("bad.safetensors"),
            SafetensorsCheckpoint.encode(
                Checkpoint.of(Map.of("bn", layer), Map.of(key, "x")), DType.F32));
    CommandRun.of("convert", in, output()).requireBadData(in, "METADATA");
    assertThat(output()).doesNotExist();
    if (!key.startsWith(MetadataKeys.EPSILON)) {
      Path model = ModelFiles.write(folder.resolve("m.safetensors"), "bn");
      CommandRun.of("apply", "--statistics", in, "--model", model, "--output", output())
          .requireBadData(in, "METADATA");
      assertThat(output()).doesNotExist();
    }
  }

  @Test
  void wrongWordsAndExistingOutputsAreUsage() throws IOException {
    Path in = statistics("paper", DType.F32, 3, 2.5);
    assertThat(CommandRun.of("convert", in, output(), "--convention", "torch").exitCode())
        .isEqualTo(Main.USAGE);
    assertThat(CommandRun.of("convert", in, output(), "--dtype", "I64").err())
        .startsWith("error: --dtype I64: expected one of F64, F32, F16, BF16\n");
    CommandRun.of("convert", in, in)
        .requireError(Main.USAGE, in + " exists already; --overwrite replaces it");
    assertThat(CommandRun.of("convert", in, folder.resolve("x.txt")).err())
        .startsWith("error: " + folder.resolve("x.txt") + ": expected a path that ends in one of ");
    assertThat(CommandRun.of("convert", folder.resolve("x.txt"), output()).exitCode())
        .isEqualTo(Main.USAGE);
  }
}
