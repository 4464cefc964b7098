package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.safetensors.SafetensorsWriter;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/** Moving averages through the whole job: worked numbers, and what has no order. */
class MovingAverageJobTest {
  private static final String MOVING_AVERAGE = "statistics.estimator=moving-average";
  private static final String NEEDS_ORDER =
      ": MINI_BATCH_ORDER: a moving average needs an order of the mini-batches, but ";
  private static final String NAMING =
      "; name tensors LAYER/NUMBER, let group batch of input.layer-pattern match, or fill a table's"
          + " column batch (input.columns.batch)";

  /** Of 1 - momentum, which is no double as little as momentum is: the frameworks have it, too. */
  private static final double ROUNDING = 0x1p-53;

  @TempDir private Path folder;

  private Path write(Activations made) throws IOException {
    return made.writeSafetensors(folder.resolve("in.safetensors"));
  }

  private RunReport run(Path input, String... settings) throws IOException {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add(MOVING_AVERAGE);
    return TestJob.of(folder, input, all.toArray(String[]::new)).run();
  }

  /** Acceptance 7: one update with [1,2,3,4] in each convention, with its own momentum or 0. */
  @ParameterizedTest
  @CsvSource({
    "pytorch, 0.1, 0.25, 1.0666666666666667",
    "pytorch, , 0.25, 1.0666666666666667",
    "keras, 0.9, 0.25, 1.025",
    "keras, 0, 2.5, 1.25",
    "keras, , 0.025, 1.0025",
    "keras-fused, 0, 2.5, 1.6666666666666667",
    "keras-fused, 0.9, 0.25, 1.0666666666666667",
    "flax, 0.9, 0.25, 1.025",
    "onnx, , 0.25, 1.025",
    "pytorch, none, 2.5, 1.6666666666666667",
    "onnx, none, 2.5, 1.25"
  })
  void theConventionSaysWhatMomentumMeansAndWhichVarianceIsFed(
      String convention, String momentum, double mean, double variance) throws IOException {
    Path input = write(new Activations().addF32("bn", Activations.shape(4, 1), 1, 2, 3, 4));
    List<String> settings = new ArrayList<>(List.of("checkpoint.convention=" + convention));
    if (momentum != null) {
      settings.add("statistics.momentum=" + momentum);
    }
    RunReport.Layer layer = run(input, settings.toArray(String[]::new)).layers().get(0);
    assertThat(layer.statistics().get("moving-average").mean()[0])
        .isCloseTo(mean, within(2 * ROUNDING));
    assertThat(layer.statistics().get("moving-average").variance()[0])
        .isCloseTo(variance, within(2 * ROUNDING));
  }

  /** Acceptance 10, and the number of updates. */
  @ParameterizedTest
  @CsvSource({"1", "8", "1MiB"})
  void severalUpdates(String splitSize) throws IOException {
    Path input =
        write(
            new Activations()
                .addF32("bn/10", Activations.shape(3, 1), 3, 4, 5)
                .addF32("bn/2", Activations.shape(2, 1), 1, 2)
                .addF32("bn/3", Activations.shape(0, 1)));
    RunReport report = run(input, "input.split-size=" + splitSize, "checkpoint.dtype=F64");
    RunReport.Layer layer = report.layers().get(0);
    assertThat(layer.stored().mean()[0]).isCloseTo(0.535, within(Math.ulp(0.535)));
    assertThat(layer.stored().variance()[0]).isCloseTo(0.955, within(Math.ulp(0.955)));
    assertThat(layer.stored().miniBatches()).isEqualTo(2);
    JsonNode json = Statistics.layer(report, "bn");
    assertThat(json.get("variance").get("moving-average").get(0).asDouble())
        .isEqualTo(layer.stored().variance()[0]);
    assertThat(json.get("means").get("moving-average").get(0).asDouble())
        .isEqualTo(layer.stored().mean()[0]);
    assertThat(json.get("mean").get(0).asDouble()).isEqualTo(3);
  }

  /** Who finds the file must be able to compute it again. */
  @Test
  void whatWasChosenIsRecorded() throws IOException {
    Path input = write(new Activations().addF32("bn/0", Activations.shape(4, 1), 1, 2, 3, 4));
    RunReport report =
        run(input, "statistics.momentum=0.25", "statistics.mini-batch=2", "checkpoint.dtype=F64");
    byte[] file = Files.readAllBytes(Path.of(report.checkpoint()));
    assertThat(SafetensorsCheckpoint.decode(ReadableBytes.of("it", file)).metadata())
        .containsEntry(MetadataKeys.ESTIMATOR, "moving-average")
        .containsEntry(MetadataKeys.CONVENTION, "pytorch")
        .containsEntry(MetadataKeys.MOMENTUM, "0.25")
        .containsEntry(MetadataKeys.INITIAL, "fresh")
        .containsEntry(MetadataKeys.MINI_BATCH, "2");
    assertThat(ReportJson.of(report))
        .contains(
            "\"convention\":\"pytorch\",\"miniBatch\":\"2\",\"momentum\":\"0.25\",\"initial\":\"fresh\"");
    RunReport none = run(input, "statistics.momentum=none", "statistics.mini-batch=key");
    assertThat(none.choices())
        .containsEntry(MetadataKeys.MOMENTUM, "none")
        .containsEntry(MetadataKeys.MINI_BATCH, "key");
  }

  /** 2 comes before 10, and among other texts "10" before "2". */
  @Test
  void numbersAreInTheirOrderAndTextsInThatOfTheirBytes() throws IOException {
    String pattern = "input.layer-pattern=(?<layer>[a-z]+)/(?<batch>.*)";
    Activations made =
        new Activations()
            .addF32("bn/10", Activations.shape(2, 1), 1, 2)
            .addF32("bn/2", Activations.shape(3, 1), 3, 4, 5);
    assertThat(momentumHalf(write(made), pattern)).isEqualTo(4 / 4.0 + 1.5 / 2);
    made.addF32("bn/", Activations.shape(0, 1));
    assertThat(momentumHalf(write(made), pattern)).isEqualTo(4 / 4.0 + 1.5 / 2);
    made.addF32("bn/x", Activations.shape(2, 1), 0, 0);
    assertThat(momentumHalf(write(made), pattern)).isEqualTo((1.5 / 4 + 4 / 2.0) / 2);
  }

  private double momentumHalf(Path input, String... settings) throws IOException {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add("statistics.momentum=0.5");
    RunReport report = run(input, all.toArray(String[]::new));
    return report.layers().get(0).statistics().get("moving-average").mean()[0];
  }

  /** What PyTorch's own layers hold after the mini-batches of a file by pyarrow. */
  @Test
  void theBatchColumnOfAForeignFileGivesTheOrder() throws IOException {
    Path input =
        Statistics.GOLDEN.resolve("parquet/pyarrow-26.0.1/list-double-uncompressed.parquet");
    RunReport report = run(input, "statistics.momentum=0.25");
    JsonNode expected = Statistics.expected("running/torch-2.15.0").get("layers");
    assertThat(report.layers()).hasSize(2);
    for (RunReport.Layer layer : report.layers()) {
      int compared = 0;
      for (JsonNode run : expected.get(layer.name())) {
        if (run.get("momentum").asDouble() == 0.25
            && run.get("start").get("variance").asDouble() == 1) {
          assertClose(layer.statistics().get("moving-average").mean(), run.get("mean"));
          assertClose(layer.statistics().get("moving-average").variance(), run.get("variance"));
          compared++;
        }
      }
      assertThat(compared).isEqualTo(1);
    }
  }

  private static void assertClose(double[] found, JsonNode expected) {
    double[] wanted = Statistics.doubles(expected);
    assertThat(found).hasSameSizeAs(wanted);
    for (int c = 0; c < wanted.length; c++) {
      assertThat(found[c]).isCloseTo(wanted[c], within(0x1p-50 * wanted[c]));
    }
  }

  private void assertRefused(Path input, String message, String... settings) {
    assertThatThrownBy(() -> run(input, settings))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(message);
    assertThat(TestJob.checkpoint(folder)).doesNotExist();
    assertThatThrownBy(
            () -> {
              List<String> all = new ArrayList<>(List.of(settings));
              all.add(MOVING_AVERAGE);
              TestJob.of(folder, input, all.toArray(String[]::new)).plan();
            })
        .hasMessage(message);
  }

  @Test
  void tensorsWithoutKeysHaveNoOrder() throws IOException {
    Path first =
        new Activations()
            .addF32("bn", Activations.shape(2, 1), 1, 2)
            .writeSafetensors(folder.resolve("in/a.safetensors"));
    assertThat(run(first).layers()).hasSize(1);
    Files.delete(TestJob.checkpoint(folder));
    Path second =
        new Activations()
            .addF32("bn", Activations.shape(2, 1), 3, 4)
            .writeSafetensors(folder.resolve("in/b.safetensors"));
    assertRefused(
        folder.resolve("in"),
        second
            + " at byte 72"
            + NEEDS_ORDER
            + "bn in "
            + second
            + " has no key"
            + NAMING
            + "; --momentum none needs no order");
    assertThat(run(folder.resolve("in"), "statistics.momentum=none").layers()).hasSize(1);
  }

  @Test
  void tensorsOfEqualKeysHaveNoOrder() throws IOException {
    List<Path> files = new ArrayList<>();
    for (String name : List.of("a", "b")) {
      files.add(
          new Activations()
              .addF32("bn/7", Activations.shape(2, 1), 1, 2)
              .writeSafetensors(folder.resolve("in").resolve(name + ".safetensors")));
    }
    assertRefused(
        folder.resolve("in"),
        files.get(1)
            + " at byte 72"
            + NEEDS_ORDER
            + "bn/7 in "
            + files.get(1)
            + " has the same key as bn/7 in "
            + files.get(0)
            + ": 7; give each a key of its own, or let --mini-batch key make one mini-batch of"
            + " them");
    RunReport report = run(folder.resolve("in"), "statistics.mini-batch=key");
    assertThat(report.layers().get(0).moments().miniBatches()).isEqualTo(1);
  }

  @Test
  void miniBatchesByKeyNeedOne() throws IOException {
    Path input =
        write(
            new Activations()
                .addF32("bn/0", Activations.shape(2, 1), 1, 2)
                .addF32("other", Activations.shape(2, 1), 1, 2));
    assertRefused(
        input,
        input
            + " at byte 136: MINI_BATCH_KEY: other in "
            + input
            + " has no key that says which mini-batch it is part of"
            + NAMING,
        "statistics.mini-batch=key");
  }

  @Test
  void rowsOfATableNeedKeysToo() {
    Dataset<Row> rows =
        new Activations()
            .addF32("bn", Activations.shape(2, 1), 1, 2)
            .addF32("bn", Activations.shape(2, 1), 3, 4)
            .dataFrame();
    TestJob unordered = TestJob.of(folder, "/no/file", MOVING_AVERAGE);
    assertThatThrownBy(() -> unordered.run(rows))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "DataFrame"
                + NEEDS_ORDER
                + "a row of layer bn has no key"
                + NAMING
                + "; --momentum none needs no order");
    TestJob byKey = TestJob.of(folder, "/no/file", MOVING_AVERAGE, "statistics.mini-batch=key");
    assertThatThrownBy(() -> byKey.run(rows))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "DataFrame: MINI_BATCH_KEY: a row of layer bn has no key that says which mini-batch it"
                + " is part of"
                + NAMING);
    Dataset<Row> twice =
        new Activations()
            .addF32("bn/4", Activations.shape(2, 1), 1, 2)
            .addF32("bn/4", Activations.shape(2, 1), 3, 4)
            .dataFrameWithKeys();
    assertThatThrownBy(() -> unordered.run(twice))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "DataFrame"
                + NEEDS_ORDER
                + "a row of layer bn, batch 4 has the same key as another: 4; give each a key of"
                + " its own, or let --mini-batch key make one mini-batch of them");
  }

  @Test
  void theBatchColumnMustBeThereIfItWasNamedAndExact() {
    Dataset<Row> rows =
        new Activations().addF32("bn/4", Activations.shape(2, 1), 1, 2).dataFrameWithKeys();
    TestJob other = TestJob.of(folder, "/no/file", MOVING_AVERAGE, "input.columns.batch=step");
    assertThatThrownBy(() -> other.run(rows))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "DataFrame: COLUMN_MISSING: there is no column step among layer, batch, shape, data;"
                + " input.columns can name another");
    Dataset<Row> fractions = rows.withColumn("batch", rows.col("batch").cast("double"));
    assertThatThrownBy(() -> TestJob.of(folder, "/no/file", MOVING_AVERAGE).run(fractions))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "DataFrame: DTYPE: column batch has type DOUBLE, but STRING or an integer is"
                + " expected");
  }

  /** Where keys are of no importance, the column may be anything. */
  @Test
  void otherEstimatorsDoNotLookAtTheBatchColumn() throws IOException {
    Dataset<Row> rows =
        new Activations().addF32("bn/4", Activations.shape(2, 1), 1, 2).dataFrameWithKeys();
    Dataset<Row> fractions = rows.withColumn("batch", rows.col("batch").cast("double"));
    RunReport report = TestJob.of(folder, "/no/file", "statistics.estimator=paper").run(fractions);
    assertThat(report.layers().get(0).moments().miniBatches()).isEqualTo(1);
  }

  @Test
  void aMiniBatchOfOneValueIsRefusedByName() throws IOException {
    Path input =
        write(
            new Activations()
                .addF32("bn/0", Activations.shape(2, 1), 1, 3)
                .addF32("bn/1", Activations.shape(1, 1), 8));
    assertThatThrownBy(() -> run(input))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            input
                + ": TOO_FEW_VALUES: layer bn, mini-batch bn/1 in "
                + input
                + " has one value in channel 0, but moving-average needs at least 2 per channel"
                + " (--drop-incomplete leaves such mini-batches out)");
    RunReport.Layer dropped =
        run(input, "statistics.drop-incomplete=true", "statistics.momentum=0.5").layers().get(0);
    assertThat(dropped.statistics().get("moving-average").mean()).containsExactly(1);
    RunReport.Layer biased =
        run(input, "checkpoint.convention=flax", "statistics.momentum=0.5").layers().get(0);
    assertThat(biased.statistics().get("moving-average").mean()).containsExactly(4.5);
    assertThatThrownBy(() -> run(input, "statistics.mini-batch=1"))
        .hasMessageContaining("layer bn, mini-batch rows 0 to 0 of bn/0 in " + input + " has one");
    assertThatThrownBy(() -> run(input, "statistics.mini-batch=key"))
        .hasMessageContaining("layer bn, mini-batch of key 1 has one value");
  }

  /** 0.5 * 2 + 0.5 * 2.5, and 0.5 * 3 + 0.5 * 5/3; without it, from 0 and 1. */
  @Test
  void itStartsFromWhatTheModelHolds() throws IOException {
    SafetensorsWriter model = new SafetensorsWriter();
    model.addTensor("bn.running_mean", DType.F32, Shape.of(1), littleEndian(2));
    model.addTensor("bn.running_var", DType.F32, Shape.of(1), littleEndian(3));
    Path file = Files.write(folder.resolve("m.safetensors"), model.toBytes());
    Path input = write(new Activations().addF32("bn/0", Activations.shape(4, 1), 1, 2, 3, 4));
    String copy = "checkpoint.model=" + file;
    RunningStatistics fromModel =
        run(input, copy, "statistics.initial=model", "statistics.momentum=0.5")
            .layers()
            .get(0)
            .statistics()
            .get("moving-average");
    assertThat(fromModel.mean()).containsExactly(2.25);
    assertThat(fromModel.variance()[0]).isCloseTo(1.5 + 5 / 6.0, within(2 * ROUNDING));
    RunningStatistics fresh =
        run(input, copy, "statistics.momentum=0.5")
            .layers()
            .get(0)
            .statistics()
            .get("moving-average");
    assertThat(fresh.mean()).containsExactly(1.25);
    assertThat(fresh.variance()[0]).isCloseTo(0.5 + 5 / 6.0, within(2 * ROUNDING));
  }

  private static byte[] littleEndian(float value) {
    return ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN).putFloat(value).array();
  }
}
