package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said of an input that gives right numbers of the wrong thing. */
class InputWarningsTest {
  private static final long SEED = 20_273;
  private static final Path DIGITS =
      Path.of(System.getProperty("basedir", ""), "jobs", "data", "digits");

  @TempDir private Path folder;

  private RunReport run(Path input, String... settings) throws IOException {
    return TestJob.of(folder, input, settings).run();
  }

  /** Layers of four channels, their mini-batches as far apart as that: 12 of 20 rows. */
  private Path writeDrift(int layers, double step) throws IOException {
    System.out.println("InputWarningsTest, seed " + SEED);
    Random random = new Random(SEED);
    Activations made = new Activations();
    for (int layer = 0; layer < layers; layer++) {
      for (int b = 0; b < 12; b++) {
        double[] values = new double[20 * 4 * 2];
        for (int i = 0; i < values.length; i++) {
          int channel = i / 2 % 4;
          values[i] = channel * step * b + random.nextGaussian();
        }
        made.addF32("bn" + layer + "/" + b, Activations.shape(20, 4, 2), values);
      }
    }
    return made.writeSafetensors(folder.resolve("drift.safetensors"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"paper", "moving-average", "pooled-unbiased,paper"})
  void miniBatchesThatAreFurtherApartThanChanceHasThem(String estimator) throws IOException {
    RunReport report = run(writeDrift(1, 1), "statistics.estimator=" + estimator);
    assertThat(report.warnings()).hasSize(1);
    assertThat(report.warnings().get(0))
        .matches(
            "mini-batches differ from each other by more than chance, so that paper misses variance"
                + " that pooled-unbiased has; were the data not shuffled\\? layer bn0: 3 of 4"
                + " channels, channel 3 most: [01]\\.[0-9]+ against 1[0-9]{2}\\.[0-9]+");
    assertThat(ReportTable.of(report)).endsWith("\nwarning: " + report.warnings().get(0) + "\n");
    JsonNode warnings = Statistics.json(ReportJson.of(report)).get("warnings");
    assertThat(warnings.get(0).asText()).isEqualTo(report.warnings().get(0));
  }

  @Test
  void aFewLayersAreNamedAndTheOthersCounted() throws IOException {
    RunReport report = run(writeDrift(7, 1), "statistics.estimator=paper");
    assertThat(report.warnings()).hasSize(1);
    assertThat(report.warnings().get(0))
        .contains("; layer bn4: 3 of 4 channels, ")
        .doesNotContain("bn5")
        .endsWith("; and 2 more layers");
  }

  /** The rows of all mini-batches dealt out anew; and where nobody looks at mini-batches. */
  @Test
  void theSameRowsShuffledAreQuiet() throws IOException {
    Path drift = writeDrift(1, 1);
    assertThat(run(drift, "statistics.estimator=pooled-unbiased").warnings()).isEmpty();
    assertThat(run(writeDrift(1, 0), "statistics.estimator=paper").warnings()).isEmpty();
    // By keys that all have a row of each, they are alike.
    Activations byKey = new Activations();
    Random random = new Random(SEED);
    for (int row = 0; row < 240; row++) {
      double[] values = new double[4];
      for (int c = 0; c < 4; c++) {
        values[c] = c * (row / 20) + random.nextGaussian();
      }
      byKey.addF32("bn/" + row % 12, Activations.shape(1, 4), values);
    }
    Path table = folder.resolve("table");
    byKey.dataFrame().coalesce(1).write().parquet(table.toString());
    assertThat(run(table, "statistics.estimator=paper", "statistics.mini-batch=key").warnings())
        .isEmpty();
    assertThat(
            run(
                    table,
                    "statistics.estimator=paper",
                    "statistics.drop-incomplete=true",
                    "statistics.mini-batch=key")
                .layers()
                .get(0)
                .moments()
                .miniBatches())
        .isEqualTo(12);
  }

  /** Real activations of a net on shuffled images. */
  @ParameterizedTest
  @ValueSource(strings = {"tensor", "50", "10"})
  void theShippedExampleIsQuiet(String miniBatch) throws IOException {
    RunReport report =
        run(
            DIGITS,
            "statistics.estimator=moving-average,paper",
            "statistics.mini-batch=" + miniBatch);
    assertThat(report.warnings()).isEmpty();
  }

  @Test
  void theTableShowsPaperBesideAllValues() throws IOException {
    RunReport report = run(writeDrift(1, 1), "statistics.estimator=moving-average");
    RunReport.Layer layer = report.layers().get(0);
    assertThat(layer.sideBySide()).containsOnlyKeys("paper", "pooled-unbiased");
    assertThat(ReportTable.of(report).lines().findFirst().orElseThrow())
        .matches(
            "layer +channels +values/channel +mini-batches +mean +variance by moving-average"
                + " +variance by paper +variance by pooled-unbiased +constant +non-finite");
    assertThat(ReportTable.of(report))
        .contains(NumberRange.of(layer.sideBySide().get("paper").orElseThrow().variance()))
        .contains(
            NumberRange.of(layer.sideBySide().get("pooled-unbiased").orElseThrow().variance()))
        .contains(NumberRange.of(layer.statistics().get("moving-average").variance()));
    RunReport paper = run(writeDrift(1, 1), "statistics.estimator=paper,pooled-biased");
    assertThat(ReportTable.of(paper).lines().findFirst().orElseThrow())
        .matches(".*mean +variance by paper +variance by pooled-unbiased +constant.*");
    RunReport pooled = run(writeDrift(1, 1), "statistics.estimator=pooled-biased");
    assertThat(ReportTable.of(pooled).lines().findFirst().orElseThrow())
        .matches(".*mean +variance +constant.*");
    assertThat(pooled.layers().get(0).sideBySide()).isEmpty();
  }

  /** A mini-batch of one value has no place in paper, but one in Flax's moving average. */
  @Test
  void whatIsNotDefinedIsNotShown() throws IOException {
    Path input =
        new Activations()
            .addF32("bn/0", Activations.shape(2, 1), 1, 3)
            .addF32("bn/1", Activations.shape(1, 1), 8)
            .addF32("whole/0", Activations.shape(2, 1), 1, 3)
            .writeSafetensors(folder.resolve("in.safetensors"));
    RunReport report =
        run(input, "statistics.estimator=moving-average", "checkpoint.convention=flax");
    assertThat(report.layers().get(0).sideBySide().get("paper")).isEmpty();
    assertThat(ReportTable.of(report).lines().toList().get(1))
        .matches("bn +1 +3 +2 +.* - .*13\\.000 +0 +0");
  }

  private Path writeDump(String mode, String... layers) throws IOException {
    Path dump = folder.resolve("dump-" + mode + layers.length);
    for (int b = 0; b < 2; b++) {
      Activations made = new Activations().withMetadata("mode", mode);
      for (String layer : layers) {
        made.addF32(layer + "/" + b, Activations.shape(2, 1), 1, 2 + b);
      }
      made.writeSafetensors(dump.resolve("00000" + b + ".safetensors"));
    }
    return dump;
  }

  @Test
  void aDumpInEvalModeOfSeveralLayers() throws IOException {
    Path dump = writeDump("eval", "bn1", "bn2");
    String expected =
        "2 files with activations of 2 layers recorded in eval mode ("
            + dump.resolve("000000.safetensors")
            + ", ...): only statistics of layers with no BatchNorm upstream are right; record in"
            + " mode \"train\", or one layer at a time, in order of depth, each with the statistics"
            + " of those before it in the model";
    RunReport report = run(dump);
    assertThat(report.warnings()).containsExactly(expected);
    assertThat(ReportTable.of(report)).endsWith("\nwarning: " + expected + "\n");
    assertThat(Statistics.json(ReportJson.of(report)).get("warnings").get(0).asText())
        .isEqualTo(expected);
    // It may well be the second layer of its model.
    assertThat(run(dump, "input.layers=bn2").warnings()).containsExactly(expected);
  }

  @Test
  void oneLayerAtATimeAndTrainModeAreQuiet() throws IOException {
    assertThat(run(writeDump("eval", "bn1")).warnings()).isEmpty();
    assertThat(run(writeDump("train", "bn1", "bn2")).warnings()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "channels-last, channels-first, true",
    "channels-last, NCL, true",
    "channels-last, channels-last, false",
    "channels-last, NLC, false",
    "channels-first, NLC, true",
    "channels-first, channels-first, false",
    "elsewhere, channels-first, false"
  })
  void aDumpThatSaysItsChannelsAreElsewhere(String recorded, String layout, boolean warned)
      throws IOException {
    Path dump =
        new Activations()
            .withMetadata("layout", recorded)
            .addF32("bn", Activations.shape(2, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8)
            .writeSafetensors(folder.resolve("dump.safetensors"));
    String warning =
        "activations of 1 layer that were recorded "
            + recorded
            + " and are read otherwise (bn): the sums are over the wrong axis unless the files are"
            + " wrong about themselves; say --layout "
            + recorded;
    assertThat(run(dump, "input.layout=" + layout).warnings())
        .isEqualTo(warned ? List.of(warning) : List.of());
  }

  /** Their channels are on the last axis in either layout. */
  @Test
  void arraysOfRank2AreReadRightInAnyLayout() throws IOException {
    Path dump =
        new Activations()
            .withMetadata("layout", "channels-last")
            .addF32("bn", Activations.shape(2, 2), 1, 2, 3, 4)
            .writeSafetensors(folder.resolve("dump.safetensors"));
    assertThat(run(dump).warnings()).isEmpty();
  }
}
