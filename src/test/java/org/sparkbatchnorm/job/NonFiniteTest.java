package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;

/** NaN and infinities: refused, left out or passed on, and counted in any case. */
class NonFiniteTest {
  private static final double NAN = Double.NaN;
  private static final double INF = Double.POSITIVE_INFINITY;

  @TempDir private Path folder;

  /** Channels 0 and 2 are finite except for what stands here; channel 1 is finite. */
  private static Activations sick() {
    return new Activations()
        .addF32("bn/0", Activations.shape(3, 3), 1, 2, NAN, INF, 4, -INF, 3, 6, 5)
        .addF32("bn/1", Activations.shape(2, 3), 5, 8, NAN, 7, 10, 9)
        .addF32("well", Activations.shape(2, 1), 1, 2);
  }

  @ParameterizedTest
  @CsvSource({"skip, 1", "skip, 1MiB", "propagate, 1", "propagate, 1MiB"})
  void countsPerChannelAreTheSameHoweverTheInputIsCut(String policy, String splitSize)
      throws IOException {
    Path input = sick().writeSafetensors(folder.resolve("in.safetensors"));
    RunReport report =
        TestJob.of(folder, input, "input.non-finite=" + policy, "input.split-size=" + splitSize)
            .run();
    JsonNode layer = Statistics.layer(report, "bn");
    assertThat(layer.get("nonFinite").toString())
        .isEqualTo("{\"nan\":[0,0,2],\"positiveInfinity\":[1,0,0],\"negativeInfinity\":[0,0,1]}");
    assertThat(layer.get("count").toString()).isEqualTo("[4,5,2]");
    // Exact: of 1, 3, 5, 7; of 2, 4, 6, 8, 10; of 5 and 9.
    if (policy.equals("skip")) {
      assertThat(Statistics.doubles(layer.get("mean"))).containsExactly(4, 6, 7);
      assertThat(Statistics.doubles(layer.get("variance").get("pooled-unbiased")))
          .containsExactly(20.0 / 3, 10, 8);
    } else {
      assertThat(layer.get("mean").toString()).isEqualTo("[\"NaN\",6.0,\"NaN\"]");
      assertThat(layer.get("variance").toString())
          .isEqualTo("{\"pooled-unbiased\":[\"NaN\",10.0,\"NaN\"]}");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "20", "1MiB"})
  void failNamesTheFirstOneWhateverTaskMeetsItFirst(String splitSize) throws IOException {
    Path input = sick().writeSafetensors(folder.resolve("in.safetensors"));
    TestJob job = TestJob.of(folder, input, "input.split-size=" + splitSize);
    assertThatThrownBy(job::run)
        .isInstanceOf(MalformedFileException.class)
        .hasMessageMatching(
            "\\Q"
                + input
                + "\\E at byte [0-9]+: \\QNON_FINITE: tensor bn/0, element 2: the first of the values"
                + " that are not finite; layer bn: 2 NaN, 1 +Inf, 1 -Inf in 2 channels (the first is"
                + " 0) (--non-finite skip leaves them out, propagate makes their channels NaN)\\E");
    assertThat(TestJob.checkpoint(folder)).doesNotExist();
  }

  /** The advice at the end of the message must not be cut off by the layers before it. */
  @Test
  void theMessageIsWholeHoweverManyLayersAreConcerned() throws IOException {
    Activations made = new Activations();
    for (int layer = 0; layer < 8; layer++) {
      made.addF32(
          "a.rather.deeply.nested.module.of.a.large.network.number." + layer,
          Activations.shape(2, 1),
          NAN,
          layer);
    }
    Path input = made.writeSafetensors(folder.resolve("in.safetensors"));
    assertThatThrownBy(() -> TestJob.of(folder, input).run())
        .hasMessageContaining("number.4: 1 NaN, 0 +Inf, 0 -Inf in 1 channel (0); and 3 more layers")
        .hasMessageEndingWith(
            "(--non-finite skip leaves them out, propagate makes their channels NaN)");
  }

  @Test
  void aTableNamesTheRow() throws IOException {
    sick().dataFrame().coalesce(1).write().parquet(folder.resolve("table").toString());
    assertThatThrownBy(() -> TestJob.of(folder, folder.resolve("table")).run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining(".parquet: NON_FINITE: row 0, element 2: the first of the values");
  }

  @Test
  void paperLeavesThemOutToo() throws IOException {
    Path input = sick().writeSafetensors(folder.resolve("in.safetensors"));
    TestJob job =
        TestJob.of(
            folder,
            input,
            "input.non-finite=skip",
            "input.layers=bn",
            "statistics.estimator=paper",
            "statistics.drop-incomplete=true",
            "input.split-size=1");
    // Exact: channel 0 of [1, 3] and [5, 7]; channel 1 of [2, 4, 6] and [8, 10]; channel 2 has one
    // finite value in each mini-batch.
    assertThatThrownBy(job::run)
        .hasMessageContaining("layer bn, channel 2 has no mini-batch with at least 2 values");
  }
}
