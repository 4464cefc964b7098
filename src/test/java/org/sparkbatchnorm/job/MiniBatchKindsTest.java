package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same mini-batches give the same statistics to the bit, of every estimator, whether a tensor
 * is one, or a key, or a number of rows, and however splits cut them.
 */
class MiniBatchKindsTest {
  private static final long SEED = 20_272;
  private static final String ALL =
      "statistics.estimator=moving-average,paper,pooled-unbiased,pooled-biased";
  private static final String KEY = "statistics.mini-batch=key";

  @TempDir private Path folder;
  private Activations made;
  private RunReport expected;

  @BeforeEach
  void expectWhatTensorsGive() throws IOException {
    made = Activations.random(SEED);
    expected = run(made.writeSafetensors(folder.resolve("one.safetensors")));
    assertThat(expected.layers()).hasSize(3);
    for (RunReport.Layer layer : expected.layers()) {
      assertThat(layer.statistics()).hasSize(4);
    }
  }

  private RunReport run(Path input, String... settings) throws IOException {
    return job(input, settings).run();
  }

  private TestJob job(Path input, String... settings) {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add(ALL);
    return TestJob.of(folder, input, all.toArray(String[]::new));
  }

  private void assertExpected(RunReport report) throws IOException {
    Statistics.assertSame(report, expected);
  }

  /** As the processes of a training run leave them: each with its part of every mini-batch. */
  private List<Activations> ranks(int count) {
    System.out.println("MiniBatchKindsTest, seed " + SEED);
    return made.parts(count, new Random(SEED));
  }

  @ParameterizedTest
  @ValueSource(strings = {"500", "2000", "1GiB"})
  void partsOfAKeyInFilesOfTheirOwn(String splitSize) throws IOException {
    Path safetensors = folder.resolve("ranks");
    Path npy = folder.resolve("npy");
    List<Activations> ranks = ranks(3);
    for (int rank = 0; rank < 3; rank++) {
      ranks.get(rank).writeSafetensors(safetensors.resolve("rank" + rank + ".safetensors"));
      ranks.get(rank).writeNpy(npy.resolve("rank" + rank));
    }
    String split = "input.split-size=" + splitSize;
    assertExpected(run(safetensors, KEY, split));
    String pattern = "input.layer-pattern=rank[0-9]/(?<layer>.+)/(?<batch>[0-9]+)";
    assertExpected(run(npy, KEY, split, pattern));
  }

  /** The shares come in every order of the rows. */
  @Test
  void partsOfAKeyInRows() throws IOException {
    Dataset<Row> named = null;
    Dataset<Row> keyed = null;
    for (Activations rank : ranks(4)) {
      named = named == null ? rank.dataFrame() : named.union(rank.dataFrame());
      keyed = keyed == null ? rank.dataFrameWithKeys() : keyed.union(rank.dataFrameWithKeys());
    }
    Path none = Path.of("/no/file");
    assertExpected(job(none, KEY).run(named.repartition(3, named.col("shape"))));
    assertExpected(job(none, KEY).run(keyed.repartition(3, keyed.col("data"))));
    Path table = folder.resolve("table");
    keyed.repartition(3, keyed.col("data")).write().parquet(table.toString());
    assertExpected(run(table, KEY));
    Path partitioned = folder.resolve("partitioned");
    keyed.repartition(2).write().partitionBy("batch").parquet(partitioned.toString());
    assertExpected(run(partitioned, KEY));
    Dataset<Row> renamed =
        keyed.select(
            keyed.col("layer"),
            keyed.col("batch").cast("int").as("step"),
            functions.lit(1.5).as("batch"),
            keyed.col("shape"),
            keyed.col("data"));
    assertExpected(job(none, KEY, "input.columns.batch=step").run(renamed));
  }

  /** Tensors of a table are in the order of their keys, wherever the rows are. */
  @Test
  void aColumnOfKeysGivesTheOrderOfTensors() throws IOException {
    Dataset<Row> keyed = made.dataFrameWithKeys();
    Path none = Path.of("/no/file");
    assertExpected(job(none).run(keyed.repartition(3, keyed.col("data"))));
    assertExpected(job(none).run(keyed.orderBy(keyed.col("batch").desc())));
    Dataset<Row> numbers = keyed.withColumn("batch", keyed.col("batch").cast("bigint"));
    assertExpected(job(none).run(numbers));
  }

  @ParameterizedTest
  @ValueSource(strings = {"60", "100", "1000", "1GiB"})
  void rowsOfOneTensor(String splitSize) throws IOException {
    Activations fours = fours();
    expected = run(fours.writeSafetensors(folder.resolve("fours.safetensors")));
    Activations joined = fours.joined();
    String rows = "statistics.mini-batch=4";
    String split = "input.split-size=" + splitSize;
    assertExpected(run(joined.writeSafetensors(folder.resolve("rows.safetensors")), rows, split));
    joined.writeNpy(folder.resolve("rows-npy"));
    assertExpected(run(folder.resolve("rows-npy"), rows, split));
    joined.channelsLast().writeSafetensors(folder.resolve("last.safetensors"));
    assertExpected(
        run(folder.resolve("last.safetensors"), rows, split, "input.layout=channels-last"));
    joined.dataFrame().write().parquet(folder.resolve("rows-parquet").toString());
    assertExpected(run(folder.resolve("rows-parquet"), rows));
    assertExpected(job(Path.of("/no/file"), rows).run(joined.dataFrame()));
  }

  /** Seven mini-batches, of four rows but for the last, which has two. */
  private static Activations fours() {
    Random random = new Random(SEED);
    Activations fours = new Activations();
    for (int b = 0; b < 7; b++) {
      int rows = b == 6 ? 2 : 4;
      double[] values = new double[rows * 3 * 5];
      Arrays.setAll(values, i -> (float) random.nextGaussian());
      fours.addF32("bn/" + b, Activations.shape(rows, 3, 5), values);
    }
    return fours;
  }

  /** By fours, two tensors of 6 and 3 rows make mini-batches of 4, 2 and 3: 9 comes before 10. */
  @Test
  void rowsOfSeveralTensorsAreInTheOrderOfTheirKeys() throws IOException {
    double[] values = {1, 2, 3, 5, 8, 13, 21, 34, 55};
    Path apart =
        new Activations()
            .addF32("bn/0", Activations.shape(4, 1), Arrays.copyOfRange(values, 0, 4))
            .addF32("bn/1", Activations.shape(2, 1), Arrays.copyOfRange(values, 4, 6))
            .addF32("bn/2", Activations.shape(3, 1), Arrays.copyOfRange(values, 6, 9))
            .writeSafetensors(folder.resolve("apart.safetensors"));
    expected = run(apart);
    Path rows =
        new Activations()
            .addF32("bn/10", Activations.shape(3, 1), Arrays.copyOfRange(values, 6, 9))
            .addF32("bn/9", Activations.shape(6, 1), Arrays.copyOfRange(values, 0, 6))
            .writeSafetensors(folder.resolve("rows.safetensors"));
    for (String splitSize : List.of("4", "12", "1MiB")) {
      RunReport report = run(rows, "statistics.mini-batch=4", "input.split-size=" + splitSize);
      assertExpected(report);
      assertThat(report.layers().get(0).moments().miniBatches()).isEqualTo(3);
    }
  }

  /** Their number is known without looking at them one by one. */
  @Test
  void miniBatchesAreCountedForEveryEstimator() throws IOException {
    Path ranks = folder.resolve("ranks");
    for (Activations rank : ranks(2)) {
      rank.writeSafetensors(ranks.resolve(System.identityHashCode(rank) + ".safetensors"));
    }
    String pooled = "statistics.estimator=pooled-biased";
    for (RunReport.Layer layer : TestJob.of(folder, ranks, pooled, KEY).run().layers()) {
      assertThat(layer.moments().miniBatches()).isEqualTo(5);
    }
    Path table = folder.resolve("table");
    made.parts(2, new Random(SEED)).get(0).dataFrame().write().parquet(table.toString());
    made.dataFrame().write().mode("append").parquet(table.toString());
    for (RunReport.Layer layer : TestJob.of(folder, table, pooled, KEY).run().layers()) {
      assertThat(layer.moments().miniBatches()).isEqualTo(5);
    }
    Path four = fours().joined().writeSafetensors(folder.resolve("four.safetensors"));
    RunReport byRows = TestJob.of(folder, four, pooled, "statistics.mini-batch=4").run();
    assertThat(byRows.layers().get(0).moments().miniBatches()).isEqualTo(7);
    assertThat(byRows.layers().get(0).stored().miniBatches()).isEqualTo(7);
  }

  /** More tasks than one merges, so that executors merge parts of mini-batches, too. */
  @Test
  void manySplitsOfTables() throws IOException {
    Dataset<Row> rows = null;
    for (Activations rank : ranks(3)) {
      rows = rows == null ? rank.dataFrame() : rows.union(rank.dataFrame());
    }
    int tasks = StateMerge.FAN_IN + 1;
    RunReport report = job(Path.of("/no/file"), KEY).run(rows.repartition(tasks, rows.col("data")));
    assertThat(report.input().splits()).isEqualTo(tasks);
    assertExpected(report);
  }
}
