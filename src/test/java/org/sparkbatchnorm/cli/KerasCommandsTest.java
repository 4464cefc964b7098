package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.Naming;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.tensor.DType;

/** Models of Keras on the command line. */
class KerasCommandsTest {
  private static final Path GOLDEN =
      Path.of(
          System.getProperty("basedir", ""),
          "src/test/resources/golden/keras/keras-3.15.1".split("/"));
  private static final double[] MEAN = {1, 2, 3};
  private static final double[] VARIANCE = {4, 5, 6};

  @TempDir private Path folder;

  private Path statistics(String... names) throws IOException {
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    for (String name : names) {
      layers.put(name, CheckpointLayer.of(DType.F64, MEAN, VARIANCE).withBatchesTracked(9));
    }
    Checkpoint checkpoint = Checkpoint.of(layers, Map.of());
    return Files.write(
        folder.resolve("statistics.safetensors"),
        SafetensorsCheckpoint.encode(checkpoint, DType.F64, Naming.PYTORCH));
  }

  /** The model of the question why Keras counts more parameters than PyTorch. */
  @Test
  void inspectCountsAsBothFrameworksDo() throws IOException {
    Path model = GOLDEN.resolve("counted.weights.h5");
    CommandRun json = CommandRun.of("inspect", model, "--json");
    json.requireDone();
    JsonNode parameters = new ObjectMapper().readTree(json.out()).get("parameters");
    assertThat(parameters.toString())
        .isEqualTo(
            "{\"pytorch\":{\"parameters\":13108694,\"buffers\":65},"
                + "\"keras\":{\"total\":13108758,\"trainable\":13108694,\"nonTrainable\":64}}");
    assertThat(CommandRun.of("inspect", model).out())
        .contains(
            "as PyTorch counts: 13,108,694 parameters; 65 buffer elements, running statistics among"
                + " them\n"
                + "as Keras counts:   13,108,758 parameters: 13,108,694 trainable, 64 not, which are"
                + " the running statistics\n");
  }

  @Test
  void inspectSaysWhatWeightsAloneDoNot() throws IOException {
    CommandRun table = CommandRun.of("inspect", GOLDEN.resolve("sequential.weights.h5"));
    assertThat(table.out())
        .contains("weight or bias")
        .contains("121 not, running statistics among them\n");
    CommandRun json = CommandRun.of("inspect", GOLDEN.resolve("sequential.weights.h5"), "--json");
    JsonNode layer = new ObjectMapper().readTree(json.out()).get("layers").get(1);
    assertThat(layer.get("weightOrBias").asBoolean()).isTrue();
    assertThat(layer.get("parameters").get("keras").get("trainable").asInt()).isEqualTo(3);
  }

  @ParameterizedTest
  @CsvSource({
    "sequential.keras, stem, stem",
    "sequential.weights.h5, layers/batch_normalization, stem",
    "functional.keras, middle/bn, layers/functional/layers/batch_normalization",
    "functional.weights.h5, row8, row8"
  })
  void applyPutsStatisticsWhereANameLeads(String model, String name, String layer)
      throws IOException {
    Path output = folder.resolve("new" + model.substring(model.indexOf('.')));
    CommandRun run =
        CommandRun.of(
            "apply",
            "--statistics",
            statistics(name),
            "--model",
            GOLDEN.resolve(model),
            "--output",
            output);
    run.requireDone();
    CheckpointLayer changed = ModelFiles.read(output).layer(layer);
    assertThat(changed.mean()).isEqualTo(MEAN);
    assertThat(changed.variance()).isEqualTo(VARIANCE);
    assertThat(changed.batchesTracked()).isEmpty();
  }

  @Test
  void aNameOfTwoLayersLeadsToNone() throws IOException {
    Path output = folder.resolve("new.keras");
    CommandRun run =
        CommandRun.of(
            "apply",
            "--statistics",
            statistics("bn"),
            "--model",
            GOLDEN.resolve("functional.keras"),
            "--output",
            output);
    assertThat(run.exitCode()).isEqualTo(Main.BAD_DATA);
    assertThat(run.err()).contains("LAYER_MISSING: no layer 'bn' in the model");
    assertThat(output).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({
    "../../hdf5/h5py-3.14.0/external-link.h5, HDF5_EXTERNAL",
    "../../hdf5/h5py-3.14.0/external-storage.h5, HDF5_EXTERNAL",
    "../../hdf5/h5py-3.14.0/virtual-dataset.h5, HDF5_EXTERNAL",
    "../../hdf5/h5py-3.14.0/hard-link-cycle.h5, HDF5_CYCLE",
    "../../hdf5/h5py-3.14.0/soft-link.h5, HDF5_LINK",
    "legacy.weights.h5, HDF5_LEGACY"
  })
  void filesThatLeadElsewhereAreBadData(String name, String code) throws IOException {
    Path file = Files.copy(GOLDEN.resolve(name), folder.resolve("m.weights.h5"));
    CommandRun run = CommandRun.of("inspect", file);
    run.requireBadData(file, code);
    assertThat(run.err()).doesNotContain("passwd");
  }

  @Test
  void convertSaysWhatItLeavesOut() throws IOException {
    Path output = folder.resolve("out.safetensors");
    CommandRun run = CommandRun.of("convert", GOLDEN.resolve("sequential.weights.h5"), output);
    run.requireDone();
    assertThat(run.out())
        .contains(
            "affine: layer batch_normalization has a gamma or a beta, which is left out: the"
                + " weights alone do not say which it is");
    assertThat(ModelFiles.read(output).layer("stem").gamma()).isPresent();
    assertThat(ModelFiles.read(output).layer("batch_normalization").beta()).isEmpty();
    CommandRun whole =
        CommandRun.of("convert", GOLDEN.resolve("sequential.keras"), output, "--overwrite");
    assertThat(whole.out()).doesNotContain("affine:");
    assertThat(ModelFiles.read(output).layer("batch_normalization").beta()).isPresent();
    assertThat(ModelFiles.read(output).epsilon()).hasValue(1e-3);
  }
}
