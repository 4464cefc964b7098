package org.sparkbatchnorm.job;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.var_samp;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.sparkbatchnorm.job.BenchmarkFiles.FileSet;
import org.sparkbatchnorm.job.BenchmarkFiles.Form;
import org.sparkbatchnorm.job.Contestant.Place;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.statistics.ExactKernels;

/** Makes the contestants of a {@link ScanBenchmark}. */
final class ScanContestants {
  static final String EXACT = "exact";
  static final String EXACT_SCALAR = "exact, scalar kernel";
  static final String WELFORD = "welford";
  static final String READ_LOOP = "read loop, no statistics";
  static final String DD = "dd bs=1M";
  static final String SQL = "Spark SQL posexplode, var_samp";
  static final String NUMPY = "numpy mean, var";
  static final String VAR_MEAN = "PyTorch var_mean";
  static final String TRAIN_FORWARD = "PyTorch train-mode forward";
  static final String COLD = "exact, cold from the shell";

  private static final int SQL_BATCH_ROWS = 16;

  private final ScanOptions options;
  private final List<Contestant> contestants = new ArrayList<>();

  ScanContestants(ScanOptions options) {
    this.options = options;
  }

  List<Contestant> all() {
    return List.copyOf(contestants);
  }

  private void add(String name, FileSet set, Place place, Contestant.Turn turn) {
    add(new Contestant(name, set.form().display(), set.bytes(), place, tasks -> true, turn));
  }

  private void add(Contestant contestant) {
    if (options.isWanted(contestant.name())) {
      contestants.add(contestant);
    }
  }

  /** The statistics stage and what it is made of. */
  void addScans(FileSet set) {
    if (set.form().format() != InputFormat.PARQUET) {
      add(DD, set, Place.ELSEWHERE, (session, tasks) -> DdRead.run(set.files(), tasks));
      add(
          READ_LOOP,
          set,
          Place.HERE,
          (session, tasks) ->
              ReadLoop.plan(
                      JavaSparkContext.fromSparkContext(session.sparkContext()),
                      job(set, Accumulation.EXACT).input())
                  .run());
    }
    addStatistics(EXACT, set, Accumulation.EXACT, "");
    // How rows are stored makes no difference to how they are summed.
    if (set.form().format() != InputFormat.PARQUET || set.form() == Form.PARQUET_FLOATS) {
      addStatistics(EXACT_SCALAR, set, Accumulation.EXACT, "scalar");
      addStatistics(WELFORD, set, Accumulation.WELFORD, "");
    }
  }

  private void addStatistics(String name, FileSet set, Accumulation accumulation, String kernel) {
    add(
        name,
        set,
        Place.HERE,
        (session, tasks) -> {
          session.sparkContext().conf().set(ExactKernels.PROPERTY, kernel);
          return new RecalibrationJob(session, job(set, accumulation)).run().seconds().scan();
        });
  }

  private JobSpec job(FileSet set, Accumulation accumulation) {
    return JobSpec.parse(
        Optional.empty(),
        Stream.of(
                "input.paths=" + set.folder(),
                "statistics.accumulator=" + accumulation.word(),
                "checkpoint.path=" + options.work.resolve("warm.safetensors"),
                "checkpoint.overwrite=true")
            .map(Assignment::parse)
            .toList(),
        options.work.toString());
  }

  /** What one would write without this program. It is slow: a small set will do. */
  void addSql(FileSet set) {
    add(
        new Contestant(
            SQL,
            "parquet, " + ByteCount.text(set.bytes()),
            set.bytes(),
            Place.HERE,
            tasks -> true,
            (session, tasks) -> variances(session, set, tasks)));
  }

  private static double variances(SparkSession session, FileSet set, int tasks) {
    session.conf().set("spark.sql.shuffle.partitions", tasks);
    // Of the default, 4096 rows of 200 kB, a heap of 2 GB does not hold two.
    session.conf().set("spark.sql.parquet.columnarReaderBatchSize", SQL_BATCH_ROWS);
    long start = System.nanoTime();
    List<Row> rows =
        session
            .read()
            .parquet(set.files().stream().map(Path::toString).toArray(String[]::new))
            .selectExpr("layer", "posexplode(data) AS (position, value)")
            .selectExpr("layer", "position DIV " + GeneratedRows.INNER + " AS channel", "value")
            .groupBy("layer", "channel")
            .agg(avg("value"), var_samp("value"))
            .collectAsList();
    double seconds = (System.nanoTime() - start) / 1e9;
    if (rows.size() != GeneratedRows.CHANNELS) {
      throw new IllegalStateException(rows.size() + " channels");
    }
    return seconds;
  }

  void addTorch(TorchReference torch) {
    // numpy reduces with one thread.
    addTorch(torch, NUMPY, "numpy", 1);
    addTorch(torch, VAR_MEAN, "var_mean", Integer.MAX_VALUE);
    addTorch(torch, TRAIN_FORWARD, "train_forward", Integer.MAX_VALUE);
  }

  private void addTorch(TorchReference torch, String name, String word, int mostTasks) {
    add(
        new Contestant(
            name,
            "memory, " + ByteCount.text(torch.bytes()),
            torch.bytes(),
            Place.ELSEWHERE,
            tasks -> tasks <= mostTasks,
            (session, tasks) -> torch.run(word, tasks)));
  }

  /** The launcher, with as many tasks as there are to be. */
  void addCold(FileSet set) {
    Path launcher = options.scripts.resolve("spark-batchnorm");
    add(
        new Contestant(
            COLD,
            set.form().display() + ", " + ByteCount.text(set.bytes()),
            set.bytes(),
            Place.ELSEWHERE,
            tasks -> tasks == options.mostTasks(),
            (session, tasks) -> ColdStart.run(launcher, set.folder(), tasks, options.work)));
  }
}
