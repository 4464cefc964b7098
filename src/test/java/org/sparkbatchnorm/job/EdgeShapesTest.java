package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.safetensors.SafetensorsWriter;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/** Tensors without values, layers of one value, and files without tensors. */
class EdgeShapesTest {
  @TempDir private Path folder;
  private Path input;

  @BeforeEach
  void nameInput() {
    input = folder.resolve("in.safetensors");
  }

  @Test
  void aTensorWithoutRowsOrPositionsLeavesTheCountAlone() throws IOException {
    new Activations()
        .addF32("bn/0", Activations.shape(2, 2, 1), 1, 5, 3, 9)
        .addF32("bn/1", Activations.shape(0, 2, 3))
        .addF32("bn/2", Activations.shape(4, 2, 0))
        .writeSafetensors(input);
    RunReport.Layer layer = TestJob.of(folder, input).run().layers().get(0);
    assertThat(layer.counts()).containsExactly(2, 2);
    assertThat(layer.moments().miniBatches()).isEqualTo(1);
    // Exact: of 1 and 3, and of 5 and 9.
    assertThat(layer.statistics().get("pooled-unbiased").mean()).containsExactly(2, 7);
    assertThat(layer.statistics().get("pooled-unbiased").variance()).containsExactly(2, 8);
  }

  @Test
  void aLayerWithoutValuesIsAnErrorThatNamesIt() throws IOException {
    new Activations()
        .addF32("good", Activations.shape(2, 1), 1, 2)
        .addF32("void.bn", Activations.shape(0, 2, 3))
        .writeSafetensors(input);
    assertThatThrownBy(() -> TestJob.of(folder, input).run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("TOO_FEW_VALUES: layer void.bn, channel 0 has n = 0");
    assertThat(TestJob.checkpoint(folder)).doesNotExist();
  }

  @Test
  void aLayerWithoutChannelsHasNoStatistics() throws IOException {
    new Activations()
        .addF32("bn", Activations.shape(2, 1), 1, 2)
        .addF32("none.bn", Activations.shape(2, 0))
        .writeSafetensors(input);
    RunReport report = TestJob.of(folder, input).run();
    assertThat(report.layers()).hasSize(2);
    assertThat(report.layers().get(1).name()).isEqualTo("none.bn");
    assertThat(report.layers().get(1).channels()).isZero();
  }

  @Test
  void onlyEmptyTensorsNeedNoSplitAtAll() throws IOException {
    new Activations().addF32("none.bn", Activations.shape(2, 0)).writeSafetensors(input);
    assertThat(TestJob.of(folder, input).run().input().splits()).isZero();
  }

  /** 0.1 as float32 has no short binary form; any rounding on the way would show. */
  @Test
  void aConstantChannelHasAVarianceOfExactlyZeroAndIsReported() throws IOException {
    double tenth = 0.1f;
    new Activations()
        .addF32("bn/0", Activations.shape(3, 2), tenth, 1, tenth, 2, tenth, 3)
        .addF32("bn/1", Activations.shape(2, 2), tenth, 4, tenth, 5)
        .writeSafetensors(input);
    for (String splitSize : new String[] {"1", "1MiB"}) {
      RunReport.Layer layer =
          TestJob.of(
                  folder,
                  input,
                  "input.split-size=" + splitSize,
                  "statistics.estimator=pooled-unbiased,pooled-biased,paper")
              .run()
              .layers()
              .get(0);
      assertThat(layer.constantChannels()).isEqualTo(1);
      layer
          .statistics()
          .values()
          .forEach(
              statistics -> {
                assertThat(statistics.variance()[0]).isEqualTo(+0.0);
                assertThat(statistics.variance()[1]).isPositive();
              });
      assertThat(layer.pooled().mean()[0]).isEqualTo(tenth);
    }
  }

  /** Exact: 2^40 and an eighth more or less are doubles; their squares are not. */
  @Test
  void aHugeMeanDoesNotDrownTheVariance() throws IOException {
    double mean = 1L << 40;
    new Activations()
        .add("bn", DType.F64, Activations.shape(3, 1), mean - 0.125, mean, mean + 0.125)
        .writeSafetensors(input);
    RunReport.Layer layer = TestJob.of(folder, input).run().layers().get(0);
    assertThat(layer.statistics().get("pooled-unbiased").mean()).containsExactly(mean);
    assertThat(layer.statistics().get("pooled-unbiased").variance()).containsExactly(1.0 / 64);
  }

  /** Exact: 2^53 + 1 and 2^53 + 3, as doubles 2^53 and 2^53 + 4, have a variance of 2, not 8. */
  @Test
  void integersBeyondDoublesAreCountedAsTheyAre() throws IOException {
    ByteBuffer values = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    values.putLong((1L << 53) + 1).putLong((1L << 53) + 3);
    SafetensorsWriter writer = new SafetensorsWriter();
    writer.addTensor("bn", DType.I64, Shape.of(2, 1), values.array());
    Files.write(input, writer.toBytes());
    RunReport.Layer layer = TestJob.of(folder, input).run().layers().get(0);
    assertThat(layer.statistics().get("pooled-unbiased").mean()).containsExactly(0x1p53 + 2);
    assertThat(layer.statistics().get("pooled-unbiased").variance()).containsExactly(2);
  }

  @Test
  void aTensorWithoutAChannelAxisIsRefusedUnlessLeftOut() throws IOException {
    new Activations()
        .addF32("bn", Activations.shape(2, 1), 1, 2)
        .addF32("loss", Activations.shape(), 0.5)
        .writeSafetensors(input);
    assertThatThrownBy(() -> TestJob.of(folder, input).run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("RANK_TOO_SMALL: tensor loss")
        .hasMessageContaining("--layers can leave it out");
    assertThat(TestJob.of(folder, input, "input.layers=bn").run().layers()).hasSize(1);
  }

  @Test
  void layersThatDisagreeInChannelsNameBothFiles() throws IOException {
    new Activations()
        .addF32("bn/0", Activations.shape(2, 1), 1, 2)
        .writeSafetensors(folder.resolve("in/a.safetensors"));
    new Activations()
        .addF32("bn/1", Activations.shape(2, 2), 1, 2, 3, 4)
        .writeSafetensors(folder.resolve("in/b.safetensors"));
    assertThatThrownBy(() -> TestJob.of(folder, folder.resolve("in")).run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("SHAPE_MISMATCH: tensor bn/1 of shape [2, 2] has 2 channels")
        .hasMessageContaining("in/a.safetensors")
        .hasMessageContaining("in/b.safetensors");
  }

  @Test
  void noTensorAtAllIsNoInput() throws IOException {
    new Activations().writeSafetensors(input);
    assertThatThrownBy(() -> TestJob.of(folder, input).run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            input + ": NO_INPUT: there is no tensor in the input, but at least one is expected");
  }
}
