package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.format.safetensors.SafetensorsWriter;
import org.sparkbatchnorm.job.LocalSpark;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/** Statistics that go into a copy of a model: by recalibrate, and by apply. */
class ModelCommandsTest {
  @TempDir private Path folder;
  private Path activations;
  private Path output;

  @BeforeAll
  static void startSession() {
    LocalSpark.session();
  }

  /** Four values of one channel in layer bn: mean 2.5, variance 1.25 or 5/3. */
  @BeforeEach
  void writeActivations() throws IOException {
    activations = Files.createDirectory(folder.resolve("activations"));
    output = folder.resolve("new.safetensors");
    values("bn.npy", 1, 2, 3, 4);
  }

  private void values(String name, double... values) throws IOException {
    NpyFile.of(
            DType.F32,
            ByteOrder.LITTLE_ENDIAN,
            ElementOrder.ROW_MAJOR,
            Shape.of(values.length, 1),
            values)
        .write(activations.resolve(name));
  }

  private CommandRun recalibrate(Path model, Object... more) {
    Object[] arguments = {
      "recalibrate", "--input", activations, "--model", model, "--output", output
    };
    Object[] all = java.util.Arrays.copyOf(arguments, arguments.length + more.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return CommandRun.of(all);
  }

  @ParameterizedTest
  @CsvSource({"bn", "module.bn", "_orig_mod.bn", "module._orig_mod.bn"})
  void theLayerOfTheSameNameChangesAndNothingElse(String layer) throws IOException {
    Path model = ModelFiles.write(folder.resolve("m.safetensors"), layer);
    byte[] before = Files.readAllBytes(model);
    CommandRun run = recalibrate(model, "--json");
    assertThat(run.exitCode()).as(run.err()).isEqualTo(Main.DONE);
    CheckpointLayer read = ModelFiles.read(output).layer(layer);
    assertThat(read.mean()).containsExactly(2.5);
    assertThat(read.variance()).containsExactly((float) (5 / 3.0));
    assertThat(read.gamma().orElseThrow()).containsExactly(2);
    assertThat(read.batchesTracked()).hasValue(1);
    byte[] after = Files.readAllBytes(output);
    int different = 0;
    for (int i = 0; i < after.length; i++) {
      different += after[i] == before[i] ? 0 : 1;
    }
    assertThat(after).hasSameSizeAs(before);
    assertThat(different).isBetween(3, 9);
    assertThat(Files.readAllBytes(model)).isEqualTo(before);
    JsonNode report = new ObjectMapper().readTree(run.out());
    assertThat(report.get("model").asText()).isEqualTo(model.toString());
    assertThat(report.get("warnings")).isEmpty();
  }

  @Test
  void savedStatisticsGiveTheSameFile() throws IOException {
    Path model = ModelFiles.write(folder.resolve("m.safetensors"), "bn", "other");
    CommandRun direct = recalibrate(model);
    assertThat(direct.exitCode()).as(direct.err()).isEqualTo(Main.DONE);
    String untouched =
        "warning: 1 layer of the model without new statistics, which keep what they have: other\n";
    assertThat(direct.out()).endsWith(untouched);
    Path statistics = folder.resolve("statistics.safetensors");
    CommandRun.of("recalibrate", "--input", activations, "--output", statistics, "--dtype", "F64")
        .requireDone();
    Path applied = folder.resolve("applied.safetensors");
    CommandRun apply =
        CommandRun.of("apply", "--statistics", statistics, "--model", model, "--output", applied)
            .requireDone();
    assertThat(apply.out())
        .isEqualTo(
            "wrote "
                + applied
                + ": 1 layer of "
                + statistics
                + " in a copy of "
                + model
                + "\n"
                + untouched);
    assertThat(Files.readAllBytes(applied)).isEqualTo(Files.readAllBytes(output));
  }

  @Test
  void statisticsWithoutANameForBatchesBringThem() throws IOException {
    Path model = ModelFiles.write(folder.resolve("m.safetensors"), "bn");
    Path statistics = folder.resolve("s.safetensors");
    CommandRun.of("recalibrate", "--input", activations, "--output", statistics).requireDone();
    Path keras = folder.resolve("k.npz");
    CommandRun.of("convert", statistics, keras, "--convention", "keras").requireDone();
    CommandRun run =
        CommandRun.of("apply", "--statistics", keras, "--model", model, "--output", output)
            .requireDone();
    assertThat(ModelFiles.read(output).layer("bn").batchesTracked()).hasValue(1);
    assertThat(run.out())
        .endsWith(
            "warning: the variances are biased and were written as they are, but a layer of pytorch"
                + " keeps unbiased ones; convert --convention pytorch changes statistics before they"
                + " are applied\n");
    assertThat(
            CommandRun.of(
                    "apply",
                    "--statistics",
                    statistics,
                    "--model",
                    model,
                    "--output",
                    output,
                    "--overwrite")
                .requireDone()
                .out())
        .doesNotContain("biased");
  }

  @Test
  void averagedWeightsBesideTheTrainedOnesAreToldOf() throws IOException {
    Path model =
        Path.of(System.getProperty("basedir", ""))
            .resolve("src/test/resources/golden/torch/torch-2.15.0/training-ema.pt");
    Path copy = folder.resolve("copy.pt");
    Object[] apply = {
      "apply", "--statistics", model, "--model", model, "--output", copy, "--overwrite"
    };
    assertThat(CommandRun.of(apply).requireDone().out())
        .endsWith(
            "warning: the model's file has running statistics under 'state_dict_ema' too, which"
                + " stay as they are; checkpoint.state-dict says which are meant\n");
  }

  @Test
  void whatOurOwnCheckpointRecordsOfItsFormerStatisticsIsSaidToStay() throws IOException {
    Path statistics = folder.resolve("s.safetensors");
    CommandRun.of("recalibrate", "--input", activations, "--output", statistics).requireDone();
    String fingerprint = ModelFiles.read(statistics).metadata().get(MetadataKeys.FINGERPRINT);
    values("more.npy", 7);
    CommandRun run = recalibrate(statistics, "--layers", "bn", "--json").requireDone();
    String warning =
        "the metadata of the copy are the model's, and tell of its former statistics, of"
            + " fingerprint "
            + fingerprint;
    assertThat(new ObjectMapper().readTree(run.out()).get("warnings").toString()).contains(warning);
    assertThat(ModelFiles.read(output).metadata())
        .isEqualTo(ModelFiles.read(statistics).metadata());
    assertThat(
            CommandRun.of(
                    "apply",
                    "--statistics",
                    output,
                    "--model",
                    statistics,
                    "--output",
                    output,
                    "--overwrite")
                .requireDone()
                .out())
        .contains("warning: " + warning);
  }

  @Test
  void theJobNamesLayersThatAreCalledOtherwise() throws IOException {
    Path model = ModelFiles.write(folder.resolve("m.safetensors"), "features.1");
    recalibrate(model)
        .requireError(
            Main.BAD_DATA,
            model
                + ": LAYER_MISSING: no layer 'bn' in the model; it has 'features.1';"
                + " checkpoint.names maps a layer's name to the model's");
    assertThat(output).doesNotExist();
    CommandRun run = recalibrate(model, "--set", "checkpoint.names.bn=features.1");
    assertThat(run.exitCode()).as(run.err()).isEqualTo(Main.DONE);
    assertThat(ModelFiles.read(output).layer("features.1").mean()).containsExactly(2.5);
  }

  @Test
  void aNameThatNothingHasIsAnErrorWithTheNearest() throws IOException {
    Path model = ModelFiles.write(folder.resolve("m.safetensors"), "bn", "bn_2");
    recalibrate(model, "--set", "checkpoint.names.bn=bn2")
        .requireError(
            Main.BAD_DATA,
            model
                + ": LAYER_MISSING: no layer 'bn2' in the model; the nearest is 'bn';"
                + " checkpoint.names maps a layer's name to the model's");
    recalibrate(model, "--set", "checkpoint.names.bm=bn")
        .requireError(
            Main.USAGE,
            "checkpoint.names: there are no statistics of a layer bm; the nearest is 'bn'");
  }

  @Test
  void severalLayersOfTheSameNameAreNotGuessedAmong() throws IOException {
    Path model = ModelFiles.write(folder.resolve("m.safetensors"), "module.bn", "_orig_mod.bn");
    recalibrate(model)
        .requireError(
            Main.BAD_DATA,
            model
                + ": LAYER_AMBIGUOUS: layer 'bn' may be any of 'module.bn', '_orig_mod.bn'; say"
                + " which in checkpoint.names");
    values("bm.npy", 1, 2);
    recalibrate(
            model,
            "--set",
            "checkpoint.names.bn=module.bn",
            "--set",
            "checkpoint.names.bm=module.bn")
        .requireError(
            Main.BAD_DATA,
            model
                + ": LAYER_AMBIGUOUS: the statistics of two layers would go to layer 'module.bn',"
                + " 'bn' one");
  }

  @Test
  void channelsThatDoNotAgreeAreRefusedBeforeAnythingIsCounted() throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    ModelFiles.add(writer, "bn.running_mean", DType.F32, 1, 2);
    ModelFiles.add(writer, "bn.running_var", DType.F32, 1, 2);
    Path model = Files.write(folder.resolve("m.safetensors"), writer.toBytes());
    String message =
        model
            + ": SHAPE_MISMATCH: layer 'bn' has 2 channels in the model, but layer 'bn' of the"
            + " statistics has 1";
    recalibrate(model).requireError(Main.BAD_DATA, message);
    recalibrate(model, "--dry-run").requireError(Main.BAD_DATA, message);
  }

  @Test
  void theModelItselfIsTheOutputOnlyIfThatIsSaid() throws IOException {
    Path model = ModelFiles.write(folder.resolve("m.safetensors"), "bn");
    byte[] before = Files.readAllBytes(model);
    output = model;
    recalibrate(model).requireError(Main.USAGE, model + " exists already; --overwrite replaces it");
    assertThat(Files.readAllBytes(model)).isEqualTo(before);
    CommandRun run = recalibrate(model, "--overwrite");
    assertThat(run.exitCode()).as(run.err()).isEqualTo(Main.DONE);
    assertThat(ModelFiles.read(model).layer("bn").mean()).containsExactly(2.5);
  }

  @Test
  void aModelThatIsNoneIsBadData() throws IOException {
    Path model = Files.writeString(folder.resolve("m.safetensors"), "no");
    recalibrate(model).requireBadData(model, "HEADER_TRUNCATED");
    Path absent = folder.resolve("absent.safetensors");
    recalibrate(absent).requireBadData(absent, "IO_NOT_FOUND");
  }

  @Test
  void bothAccountingsAndSuspiciousLayersAreShown() throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    ModelFiles.add(writer, "fc.weight", DType.F32, new double[1000]);
    ModelFiles.add(writer, "a.weight", DType.F32, 1, 1, 1);
    ModelFiles.add(writer, "a.running_mean", DType.F32, 70000, Double.NaN, 0);
    ModelFiles.add(writer, "a.running_var", DType.F32, 1e-9, 1, -1);
    ModelFiles.add(writer, "b.running_mean", DType.F32, 0, 0);
    ModelFiles.add(writer, "b.running_var", DType.F32, 1, 1);
    ModelFiles.add(writer, "c.running_mean", DType.F16, Double.POSITIVE_INFINITY);
    ModelFiles.add(writer, "c.running_var", DType.F16, 0);
    Path model = Files.write(folder.resolve("m.safetensors"), writer.toBytes());
    JsonNode json = new ObjectMapper().readTree(CommandRun.of("inspect", "--json", model).out());
    assertThat(json.get("parameters").toString())
        .isEqualTo(
            "{\"pytorch\":{\"parameters\":1003,\"buffers\":15},"
                + "\"keras\":{\"total\":1015,\"trainable\":1003,\"nonTrainable\":12}}");
    CommandRun run = CommandRun.of("inspect", model).requireDone();
    assertThat(run.out())
        .endsWith(
            """
            suspicious: layer a: NaN in 1 of 3 channels (1)
            suspicious: layer a: a negative variance in 1 of 3 channels (2)
            suspicious: layer a: beyond the range of F16 in 1 of 3 channels (0)
            suspicious: layer a: a variance that is 0 in F16 in 1 of 3 channels (0)
            suspicious: layer b: mean 0 and variance 1 throughout, as in a layer that was never trained
            suspicious: layer c: infinite in 1 of 1 channel (0)
            suspicious: layer c: variance 0, as of constant activations in 1 of 1 channel (0)

            as PyTorch counts: 1,003 parameters; 15 buffer elements, running statistics among them
            as Keras counts:   1,015 parameters: 1,003 trainable, 12 not, which are the running statistics
            """);
  }
}
