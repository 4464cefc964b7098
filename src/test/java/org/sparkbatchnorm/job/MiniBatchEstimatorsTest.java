package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.layer.RunningStatistics;

/** Worked mini-batches through the whole job. */
class MiniBatchEstimatorsTest {
  /** The numbers below are given with this many digits. */
  private static final double DIGITS = 1e-7;

  @TempDir private Path folder;
  private Path input;

  @BeforeEach
  void nameInput() {
    input = folder.resolve("in.safetensors");
  }

  /** Exact arithmetic: [1,2], [3,4], [10,12]; PyTorch's update_bn leaves 5.3333 and 1. */
  @ParameterizedTest
  @ValueSource(strings = {"1", "8", "1MiB"})
  void oneRunGivesEveryEstimatorAskedFor(String splitSize) throws IOException {
    new Activations()
        .addF32("bn/0", Activations.shape(2, 1), 1, 2)
        .addF32("bn/1", Activations.shape(2, 1), 3, 4)
        .addF32("bn/2", Activations.shape(2, 1), 10, 12)
        .writeSafetensors(input);
    RunReport report =
        TestJob.of(
                folder,
                input,
                "input.split-size=" + splitSize,
                "statistics.estimator=paper,pooled-biased,pooled-unbiased")
            .run();
    RunReport.Layer layer = report.layers().get(0);
    assertThat(report.estimators()).containsExactly("paper", "pooled-biased", "pooled-unbiased");
    assertStatistics(layer.statistics().get("paper"), 5.3333333, 1.0);
    assertStatistics(layer.statistics().get("pooled-biased"), 5.3333333, 17.2222222);
    assertStatistics(layer.statistics().get("pooled-unbiased"), 5.3333333, 20.6666667);
  }

  /** Exact arithmetic: [1,2,3,4], [10,12]; update_bn weighs both batches the same. */
  @Test
  void paperWeighsMiniBatchesOfDifferentSizesTheSame() throws IOException {
    new Activations()
        .addF32("bn/0", Activations.shape(4, 1), 1, 2, 3, 4)
        .addF32("bn/1", Activations.shape(2, 1), 10, 12)
        .writeSafetensors(input);
    RunReport.Layer layer =
        TestJob.of(folder, input, "statistics.estimator=paper").run().layers().get(0);
    assertStatistics(layer.statistics().get("paper"), 6.75, 1.8333333);
    assertStatistics(layer.pooled(), 5.3333333, 17.2222222);
  }

  /** Exact arithmetic: an empty batch between [1,3] and [11,13] changes nothing. */
  @Test
  void anEmptyMiniBatchIsNoMiniBatch() throws IOException {
    new Activations()
        .addF32("bn/0", Activations.shape(2, 1), 1, 3)
        .addF32("bn/1", Activations.shape(0, 1))
        .addF32("bn/2", Activations.shape(2, 1), 11, 13)
        .writeSafetensors(input);
    RunReport.Layer layer =
        TestJob.of(folder, input, "statistics.estimator=paper").run().layers().get(0);
    assertThat(layer.moments().miniBatches()).isEqualTo(2);
    assertStatistics(layer.statistics().get("paper"), 7, 2);
  }

  @Test
  void aMiniBatchOfOneValueIsRefusedByName() throws IOException {
    writeWithSingleValue();
    assertThatThrownBy(() -> TestJob.of(folder, input, "statistics.estimator=paper").run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            input
                + ": TOO_FEW_VALUES: layer bn, mini-batch bn/1 in "
                + input
                + " has one value in channel 0, but paper needs at least 2 per channel"
                + " (--drop-incomplete leaves such mini-batches out)");
    assertThat(TestJob.checkpoint(folder)).doesNotExist();
  }

  @Test
  void orLeftOutIfAskedFor() throws IOException {
    writeWithSingleValue();
    RunReport.Layer layer =
        TestJob.of(
                folder,
                input,
                "statistics.estimator=paper,pooled-biased",
                "statistics.drop-incomplete=true")
            .run()
            .layers()
            .get(0);
    assertStatistics(layer.statistics().get("paper"), 2, 2);
    // Exact: the mean of 1, 3 and 8 is 4, and their variance (9 + 1 + 16) / 3.
    assertStatistics(layer.statistics().get("pooled-biased"), 4, 26.0 / 3);
  }

  private void writeWithSingleValue() throws IOException {
    new Activations()
        .addF32("bn/0", Activations.shape(2, 1), 1, 3)
        .addF32("bn/1", Activations.shape(1, 1), 8)
        .writeSafetensors(input);
  }

  @Test
  void oneValueHasNoUnbiasedVariance() throws IOException {
    new Activations().addF32("bn", Activations.shape(1, 1), 3).writeSafetensors(input);
    assertThatThrownBy(() -> TestJob.of(folder, input).run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            input
                + ": TOO_FEW_VALUES: layer bn, channel 0 has n = 1, but pooled-unbiased needs at"
                + " least 2");
    RunReport.Layer layer =
        TestJob.of(folder, input, "statistics.estimator=pooled-biased").run().layers().get(0);
    assertStatistics(layer.statistics().get("pooled-biased"), 3, 0);
  }

  private static void assertStatistics(RunningStatistics found, double mean, double variance) {
    assertThat(found.mean()[0]).isCloseTo(mean, within(DIGITS));
    assertThat(found.variance()[0]).isCloseTo(variance, within(DIGITS));
  }
}
