package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same tensors give the same statistics, whatever holds them and however they are cut. */
class SameStatisticsTest {
  private static final long SEED = 20260117;
  private static final String ALL = "statistics.estimator=pooled-unbiased,pooled-biased,paper";
  private static final Path DIGITS =
      Path.of(System.getProperty("basedir", ""), "jobs", "data", "digits");

  @TempDir private Path folder;

  @Test
  void safetensorsNpyParquetAndADataFrame() throws IOException {
    Activations made = Activations.random(SEED);
    Path one = made.writeSafetensors(folder.resolve("one.safetensors"));
    RunReport expected = TestJob.of(folder, one, ALL).run();
    assertThat(expected.layers()).hasSize(3);

    made.writeNpy(folder.resolve("npy"));
    Statistics.assertSame(TestJob.of(folder, folder.resolve("npy"), ALL).run(), expected);

    Dataset<Row> rows = made.dataFrame();
    rows.repartition(3).write().parquet(folder.resolve("table").toString());
    Statistics.assertSame(TestJob.of(folder, folder.resolve("table"), ALL).run(), expected);

    Statistics.assertSame(TestJob.of(folder, "/no/file", ALL).run(rows), expected);
    Statistics.assertSame(
        TestJob.of(folder, "/no/file", ALL).run(rows.repartition(2, rows.col("layer"))), expected);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 15})
  void shuffledAndShardedAnew(int files) throws IOException {
    Activations made = Activations.random(SEED + files);
    Path one = made.writeSafetensors(folder.resolve("one.safetensors"));
    made.writeShards(folder.resolve("shards"), files, new Random(SEED));
    Statistics.assertSame(
        TestJob.of(folder, folder.resolve("shards"), ALL).run(),
        TestJob.of(folder, one, ALL).run());
  }

  @ParameterizedTest
  @ValueSource(strings = {"8000", "64KiB", "64MiB"})
  void digitsInSplitsOfAnySize(String splitSize) throws IOException {
    RunReport expected = TestJob.of(folder, DIGITS, ALL).run();
    byte[] checkpoint = Files.readAllBytes(TestJob.checkpoint(folder));
    RunReport report = TestJob.of(folder, DIGITS, ALL, "input.split-size=" + splitSize).run();
    assertThat(Files.readAllBytes(TestJob.checkpoint(folder))).isEqualTo(checkpoint);
    // 1,797 images; layers of 4x4, 2x2 and single positions (jobs/data/digits/README.md).
    assertThat(report.layers().stream().map(layer -> layer.counts()[0]))
        .containsExactly(1797L * 16, 1797L * 4, 1797L);
    assertThat(report.layers().stream().map(layer -> layer.moments().miniBatches()))
        .containsOnly(18L);
    Statistics.assertSame(report, expected);
  }

  /** More splits than one task merges, so that executors merge groups of them first. */
  @Test
  void manySplitsGiveTheSameBitsInEveryRun() throws IOException {
    Path one = Activations.random(SEED).writeSafetensors(folder.resolve("one.safetensors"));
    TestJob job = TestJob.of(folder, one, ALL, "checkpoint.dtype=F64", "input.split-size=1");
    RunReport report = job.run();
    byte[] first = Files.readAllBytes(TestJob.checkpoint(folder));
    assertThat(report.input().splits()).isGreaterThan(2 * StateMerge.FAN_IN);
    job.run();
    assertThat(Files.readAllBytes(TestJob.checkpoint(folder))).isEqualTo(first);
    Statistics.assertSame(report, TestJob.of(folder, one, ALL).run());
  }

  /** For comparison; only to rounding, and nobody could reproduce a fingerprint of it. */
  @Test
  void welfordAgreesToRounding() throws IOException {
    RunReport exact = TestJob.of(folder, DIGITS, ALL).run();
    RunReport welford = TestJob.of(folder, DIGITS, ALL, "statistics.accumulator=welford").run();
    assertThat(welford.accumulator()).isEqualTo("welford");
    assertThat(welford.fingerprint()).isEmpty();
    for (String layer : new String[] {"bn1", "bn2", "bn3"}) {
      Statistics.assertSame(Statistics.layer(welford, layer), Statistics.layer(exact, layer));
    }
  }

  /** From here on the headers are read in a Spark stage. */
  @Test
  void hundredsOfFiles() throws IOException {
    Activations made = new Activations();
    Random random = new Random(SEED);
    double sum = 0;
    for (int i = 0; i < 300; i++) {
      int value = random.nextInt(100);
      made.addF32("bn/" + i, Activations.shape(2, 1), value, value + 1);
      sum += 2 * value + 1;
    }
    made.writeNpy(folder.resolve("npy"));
    RunReport report = TestJob.of(folder, folder.resolve("npy")).run();
    assertThat(report.input().files()).isEqualTo(300);
    assertThat(report.layers().get(0).moments().miniBatches()).isEqualTo(300);
    assertThat(report.layers().get(0).counts()).containsExactly(600);
    // Exact but for the division and the merges: within 10 ulps.
    assertThat(report.layers().get(0).pooled().mean()[0])
        .isCloseTo(sum / 600, within(10 * Math.ulp(sum / 600)));
  }
}
