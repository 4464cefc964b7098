package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.tensor.DType;

/** The same tensors give the same statistics, whatever holds them and however they are cut. */
class SameStatisticsTest {
  private static final long SEED = 20260117;
  private static final String ALL =
      "statistics.estimator=pooled-unbiased,pooled-biased,paper,moving-average";
  private static final Path DIGITS =
      Path.of(System.getProperty("basedir", ""), "jobs", "data", "digits");

  @TempDir private Path folder;
  private RunReport expected;
  private byte[] expectedBytes;

  /** What these tensors give from one safetensors file. */
  private void expect(Activations made) throws IOException {
    Path one = made.writeSafetensors(folder.resolve("one.safetensors"));
    expected = TestJob.of(folder, one, ALL).run();
    expectedBytes = TestJob.checkpointBytes(folder);
    assertThat(expected.layers()).hasSize(3);
  }

  /** The mini-batches are the same, and so all of the checkpoint. */
  private void assertExpected(RunReport report) throws IOException {
    Statistics.assertSame(report, expected);
    assertThat(TestJob.checkpointBytes(folder)).isEqualTo(expectedBytes);
  }

  private RunReport runOn(String input, String... settings) throws IOException {
    return TestJob.of(
            folder,
            folder.resolve(input),
            Stream.concat(Stream.of(ALL), Stream.of(settings)).toArray(String[]::new))
        .run();
  }

  @Test
  void safetensorsNpyParquetAndADataFrame() throws IOException {
    Activations made = Activations.random(SEED);
    expect(made);
    made.writeNpy(folder.resolve("npy"));
    assertExpected(runOn("npy"));
    Dataset<Row> rows = made.dataFrame();
    rows.repartition(3).write().parquet(folder.resolve("table").toString());
    assertExpected(runOn("table"));
    assertExpected(TestJob.of(folder, "/no/file", ALL).run(rows));
    assertExpected(TestJob.of(folder, "/no/file", ALL).run(rows.repartition(2, rows.col("layer"))));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4, 15})
  void shuffledAndShardedAnew(int files) throws IOException {
    Activations made = Activations.random(SEED + files);
    expect(made);
    made.writeShards(folder.resolve("shards"), files, new Random(SEED));
    assertExpected(runOn("shards"));
  }

  @Test
  void floatsStoredAsDoubles() throws IOException {
    Activations made = Activations.random(SEED);
    expect(made);
    made.as(DType.F64).writeSafetensors(folder.resolve("f64.safetensors"));
    assertExpected(runOn("f64.safetensors"));
    made.as(DType.F64).writeNpy(folder.resolve("f64"));
    assertExpected(runOn("f64"));
  }

  @Test
  void channelsLast() throws IOException {
    Activations made = Activations.random(SEED);
    expect(made);
    made.channelsLast().writeSafetensors(folder.resolve("last.safetensors"));
    assertExpected(runOn("last.safetensors", "input.layout=channels-last"));
    made.channelsLast().writeNpy(folder.resolve("last"));
    assertExpected(runOn("last", "input.layout=channels-last", "input.split-size=100"));
  }

  /** Of other mini-batches; their number and paper are other ones, all else is the same. */
  @Test
  void rowsShuffledAndCutIntoOtherTensors() throws IOException {
    Activations made = Activations.random(SEED);
    String pooled = "statistics.estimator=pooled-unbiased,pooled-biased";
    Path one = made.writeSafetensors(folder.resolve("one.safetensors"));
    expected = TestJob.of(folder, one, pooled).run();
    Random random = new Random(SEED);
    for (int cut = 0; cut < 3; cut++) {
      Activations other = made.recut(random).as(cut == 0 ? DType.F32 : DType.F64);
      Path shards = folder.resolve("shards" + cut);
      other.writeShards(shards, 1 + 3 * cut, random);
      RunReport report = TestJob.of(folder, shards, pooled).run();
      assertThat(report.layers().get(0).moments().miniBatches())
          .isNotEqualTo(expected.layers().get(0).moments().miniBatches());
      Statistics.assertSamePooled(report, expected);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"8000", "64KiB", "64MiB"})
  void digitsInSplitsOfAnySize(String splitSize) throws IOException {
    expected = TestJob.of(folder, DIGITS, ALL).run();
    expectedBytes = TestJob.checkpointBytes(folder);
    RunReport report = TestJob.of(folder, DIGITS, ALL, "input.split-size=" + splitSize).run();
    assertExpected(report);
    // 1,797 images; layers of 4x4, 2x2 and single positions (jobs/data/digits/README.md).
    assertThat(report.layers().stream().map(layer -> layer.counts()[0]))
        .containsExactly(1797L * 16, 1797L * 4, 1797L);
    assertThat(report.layers().stream().map(layer -> layer.moments().miniBatches()))
        .containsOnly(18L);
  }

  /** More splits than one task merges, so that executors merge groups of them first. */
  @Test
  void manySplitsGiveTheSameBitsInEveryRun() throws IOException {
    Path one = Activations.random(SEED).writeSafetensors(folder.resolve("one.safetensors"));
    TestJob job = TestJob.of(folder, one, ALL, "checkpoint.dtype=F64", "input.split-size=1");
    RunReport report = job.run();
    byte[] first = TestJob.checkpointBytes(folder);
    assertThat(report.input().splits()).isGreaterThan(2 * StateMerge.FAN_IN);
    job.run();
    assertThat(TestJob.checkpointBytes(folder)).isEqualTo(first);
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
    assertThat(report.layers().get(0).pooled().mean()).containsExactly(sum / 600);
  }
}
