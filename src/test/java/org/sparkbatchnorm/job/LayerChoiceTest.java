package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkbatchnorm.format.MalformedFileException;

/** Which layers a job takes, what it calls them, and where their channels are. */
class LayerChoiceTest {
  @TempDir private Path folder;
  private Path input;

  @BeforeEach
  void write() throws IOException {
    input =
        new Activations()
            .addF32("step7.bn1", Activations.shape(2, 1), 1, 2)
            .addF32("step8.bn1", Activations.shape(2, 1), 3, 4)
            .addF32("step8.fc", Activations.shape(2, 3), 1, 2, 3, 4, 5, 6)
            .writeSafetensors(folder.resolve("in.safetensors"));
  }

  private static List<String> names(RunReport report) {
    return report.layers().stream().map(RunReport.Layer::name).toList();
  }

  @Test
  void thePatternNamesTheLayer() throws IOException {
    RunReport report =
        TestJob.of(folder, input, "input.layer-pattern=step(?<batch>[0-9]+)\\.(?<layer>.+)").run();
    assertThat(names(report)).containsExactly("bn1", "fc");
    assertThat(report.layers().get(0).moments().miniBatches()).isEqualTo(2);
  }

  @Test
  void aNameThatDoesNotMatchIsRefused() {
    assertThatThrownBy(
            () -> TestJob.of(folder, input, "input.layer-pattern=step7\\.(?<layer>.+)").run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining(
            "LAYER_NAME: tensor step8.bn1 does not match the layer pattern step7\\.(?<layer>.+)");
  }

  @Test
  void globsTakeSomeLayers() throws IOException {
    assertThat(names(TestJob.of(folder, input, "input.layers=*.bn?").run()))
        .containsExactly("step7.bn1", "step8.bn1");
  }

  @Test
  void aGlobThatMatchesNoneIsAMistakeInTheJob() {
    assertThatThrownBy(
            () -> TestJob.of(folder, input, "input.layers=*.bn1", "input.layers=*.bn9").run())
        .isInstanceOf(JobSpecException.class)
        .hasMessageStartingWith(
            "--layers (input.layers): no layer of the input matches *.bn9; there are step7.bn1, ");
    assertThatThrownBy(() -> TestJob.of(folder, input, "input.layers=*.bn9").plan())
        .isInstanceOf(JobSpecException.class);
  }

  @Test
  void layoutsDifferFromLayerToLayer() throws IOException {
    Path mixed =
        new Activations()
            .addF32("conv", Activations.shape(1, 2, 2), 1, 3, 10, 30)
            .addF32("dense", Activations.shape(1, 2, 2), 1, 10, 3, 30)
            .writeSafetensors(folder.resolve("mixed.safetensors"));
    RunReport report =
        TestJob.of(folder, mixed, "input.layouts.dense=NLC", "input.layout=NCL").run();
    // Exact: of 1 and 3, and of 10 and 30.
    assertThat(report.layers())
        .allSatisfy(layer -> assertThat(layer.pooled().mean()).containsExactly(2, 20));
  }

  @Test
  void aLayoutThatNamesItsAxesChecksTheRank() {
    assertThatThrownBy(() -> TestJob.of(folder, input, "input.layout=NCHW").run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("SHAPE_MISMATCH: tensor step7.bn1");
  }

  @Test
  void npyFilesAreNamedByTheirPath() throws IOException {
    new Activations()
        .addF32("block1/bn/0", Activations.shape(2, 1), 1, 2)
        .addF32("block1/bn/1", Activations.shape(2, 1), 3, 4)
        .writeNpy(folder.resolve("npy"));
    assertThat(names(TestJob.of(folder, folder.resolve("npy")).run())).containsExactly("block1/bn");
    assertThat(names(TestJob.of(folder, folder.resolve("npy/*/bn")).run())).hasSize(1);
    assertThat(names(TestJob.of(folder, folder.resolve("npy/block1/bn/1.npy")).run()))
        .containsExactly("1");
  }
}
