package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.tensor.DType;

/** Hostile input 30: what the checkpoint's type does to statistics is said. */
class CheckpointWarningsTest {
  @TempDir private Path folder;

  /** Two rows of as many channels, in double. */
  private static Activations rows(String layer, double... values) {
    return new Activations().add(layer, DType.F64, Activations.shape(2, values.length / 2), values);
  }

  private RunReport report(Activations made, String dtype, String... more) throws IOException {
    List<String> settings = new ArrayList<>(List.of("checkpoint.dtype=" + dtype));
    settings.addAll(List.of(more));
    Path input = made.writeSafetensors(folder.resolve("in.safetensors"));
    return TestJob.of(folder, input, settings.toArray(String[]::new)).run();
  }

  private List<String> warnings(Activations made, String dtype, String... more) throws IOException {
    return report(made, dtype, more).warnings();
  }

  /** The largest finite binary16 is 65,504; a mean of 2^16 is beyond, and so is a variance. */
  @Test
  void anOverflowIsInfinite() throws IOException {
    Activations made = rows("bn", -1, 65_536, -400, 1, 65_536, 400);
    RunReport report = report(made, "F16");
    assertThat(report.warnings())
        .containsExactly(
            "beyond the range of F16, and infinite in the checkpoint: layer bn: 2 of 3 channels (1,"
                + " 2)");
    assertThat(report.layers().get(0).stored().mean())
        .containsExactly(0, Double.POSITIVE_INFINITY, 0);
    assertThat(report.layers().get(0).stored().variance())
        .containsExactly(2, 0, Double.POSITIVE_INFINITY);
    assertThat(warnings(made, "F32")).isEmpty();
    assertThat(warnings(rows("bn", 1e30, -1e30), "F32"))
        .containsExactly(
            "beyond the range of F32, and infinite in the checkpoint: layer bn: 1 of 1 channel"
                + " (0)");
    assertThat(warnings(rows("bn", 1e200, -1e200), "F64"))
        .containsExactly(
            "beyond the range of F64, and infinite in the checkpoint: layer bn: 1 of 1 channel"
                + " (0)");
  }

  /** Half the smallest binary16 is 2^-25; of channel 1, which is constant, 0 is the variance. */
  @Test
  void anUnderflowIsZero() throws IOException {
    Activations made = rows("bn", 0x1p-13, 0.25, 1, -0x1p-13, 0.25, -1);
    RunReport report = report(made, "F16", "statistics.estimator=pooled-biased");
    assertThat(report.warnings())
        .containsExactly(
            "a variance below the range of F16, and 0 in the checkpoint: layer bn: 1 of 3 channels"
                + " (0)");
    assertThat(report.layers().get(0).stored().variance()).containsExactly(0, 0, 1);
    assertThat(warnings(made, "F32")).isEmpty();
    assertThat(warnings(rows("bn", 1e-30, -1e-30), "F32").get(0))
        .startsWith("a variance below the range of F32, and 0 in the checkpoint: layer bn: 1 of 1");
    assertThat(warnings(rows("bn", 1e-200, -1e-200), "F64").get(0))
        .startsWith("a variance below the range of F64, and 0 in the checkpoint: layer bn: 1 of 1");
  }

  /** Steps of 1 at 1e7 in binary32, where the standard deviation is 0.1 or 100. */
  @Test
  void aMeanMayBeTooCoarse() throws IOException {
    double step = 0.1 / Math.sqrt(2);
    Activations made =
        rows("bn", 1e7 - step, 1e7 - 1000 * step, 1e7, 1e7 + step, 1e7 + 1000 * step, 1e7);
    assertThat(warnings(made, "F32"))
        .containsExactly(
            "a mean where the steps of F32 are wider than 0.01 standard deviations: layer bn: 1 of"
                + " 3 channels (0)");
    assertThat(warnings(made, "F64")).isEmpty();
    assertThat(warnings(rows("bn", 1e17 - 1024, 1e17 + 1024), "F64")).hasSize(1);
    // Steps of 2^-7 in bfloat16: 0.0078 standard deviations of 1, and 0.0156 of 0.5.
    double unit = Math.sqrt(0.5);
    assertThat(warnings(rows("bn", 1 - unit, 1 - unit / 2, 1 + unit, 1 + unit / 2), "BF16"))
        .containsExactly(
            "a mean where the steps of BF16 are wider than 0.01 standard deviations: layer bn: 1"
                + " of 2 channels (1)");
  }

  @Test
  void nanIsWhatPropagateAsksForButIsSaid() throws IOException {
    assertThat(warnings(rows("bn", 1, Double.NaN, 2, 3), "F32", "input.non-finite=propagate"))
        .containsExactly("NaN in the checkpoint: layer bn: 1 of 2 channels (1)");
    assertThat(
            warnings(
                rows("bn", 1, Double.NaN, 2, 3),
                "F32",
                "input.non-finite=skip",
                "statistics.estimator=pooled-biased"))
        .isEmpty();
  }

  /** Of the first estimator only: the variance between mini-batches is none to paper. */
  @ParameterizedTest
  @ValueSource(strings = {"F32", "F16"})
  void paperHasVariancesOfItsOwn(String dtype) throws IOException {
    Activations made =
        new Activations()
            .addF32("bn/0", Activations.shape(2, 2), 1, 0, 1, 0x1p-13)
            .addF32("bn/1", Activations.shape(2, 2), 2, 0, 2, 0x1p-13);
    List<String> warnings = warnings(made, dtype, "statistics.estimator=paper,pooled-unbiased");
    if (dtype.equals("F32")) {
      assertThat(warnings).isEmpty();
    } else {
      assertThat(warnings)
          .containsExactly(
              "a variance below the range of F16, and 0 in the checkpoint: layer bn: 1 of 2"
                  + " channels (1)");
    }
  }

  @Test
  void aFewLayersAndChannelsAreNamedAndTheOthersCounted() throws IOException {
    Activations made = new Activations();
    for (int layer = 0; layer < 7; layer++) {
      double[] values = new double[24];
      values[layer] = 1e6;
      if (layer == 1) {
        Arrays.fill(values, 12, 24, 1e6);
      }
      made.addF32("b\n" + layer, Activations.shape(2, 12), values);
    }
    assertThat(warnings(made, "F16"))
        .containsExactly(
            "beyond the range of F16, and infinite in the checkpoint: layer b\\u000a0: 1 of 12"
                + " channels (0); layer b\\u000a1: 12 of 12 channels (0, 1, 2, 3, 4, 5, 6, 7, 8, 9,"
                + " ...); layer b\\u000a2: 1 of 12 channels (2); layer b\\u000a3: 1 of 12 channels"
                + " (3); layer b\\u000a4: 1 of 12 channels (4); and 2 more layers");
  }

  @Test
  void theyAreInTheTableAndInTheDocument() throws IOException {
    RunReport report = report(rows("bn", 1e6, -1e6), "F16");
    assertThat(ReportTable.of(report)).endsWith("\nwarning: " + report.warnings().get(0) + "\n");
    JsonNode warnings = Statistics.json(ReportJson.of(report)).get("warnings");
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0).asText()).isEqualTo(report.warnings().get(0));
    RunReport fine = report(rows("bn", 1, 2), "F16");
    assertThat(ReportTable.of(fine)).doesNotContain("warning");
    assertThat(Statistics.json(ReportJson.of(fine)).get("warnings")).isEmpty();
  }
}
