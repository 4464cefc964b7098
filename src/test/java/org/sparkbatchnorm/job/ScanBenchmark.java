package org.sparkbatchnorm.job;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.spark.sql.SparkSession;
import org.sparkbatchnorm.Machine;
import org.sparkbatchnorm.job.BenchmarkFiles.Form;
import org.sparkbatchnorm.job.Contestant.Place;
import org.sparkbatchnorm.job.ScanScores.Line;
import org.sparkbatchnorm.statistics.ExactKernels;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * How fast the statistics stage is, end to end, beside what else could be done with the same
 * activations. All take turns, for several rounds: on a shared machine the ratios of a run mean
 * more than its numbers. The round before the first is not counted; in it HotSpot compiles.
 */
@Command(
    name = "scripts/bench scan",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Compares the statistics stage with reading alone, dd, Spark SQL, numpy and PyTorch, on"
            + " generated float32 [*,64,28,28] activations that lie in the page cache.")
final class ScanBenchmark implements Callable<Integer> {
  private static final int ROWS_PER_FILE = 1280;
  private static final int SQL_FILES = 2;

  /** 0.8 GB, more than caches hold. */
  private static final int TORCH_BATCHES = 16;

  /** Values of {@code [256, 64, 28, 28]}. */
  private static final long TORCH_BATCH_BYTES = 256L * GeneratedRows.ROW_BYTES;

  @Mixin private ScanOptions options;

  private Optional<TorchReference> torch = Optional.empty();

  /** Runs it. */
  public static void main(String[] arguments) {
    CommandLine line = new CommandLine(new ScanBenchmark()).setUsageHelpAutoWidth(true);
    System.exit(line.execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    Configurator.setLevel("org.sparkbatchnorm", Level.WARN);
    List<Contestant> contestants = contestants();
    say("warming up");
    takeTurns(contestants.stream().filter(c -> c.place() == Place.HERE).toList(), new ScanScores());
    ScanScores scores = new ScanScores();
    for (int round = 1; round <= options.rounds; round++) {
      say("round " + round + " of " + options.rounds);
      takeTurns(contestants, scores);
    }
    print(scores);
    return CommandLine.ExitCode.OK;
  }

  /** One round. */
  private void takeTurns(List<Contestant> contestants, ScanScores scores) throws Exception {
    for (int tasks : options.tasks) {
      try (SparkSession session = session(tasks)) {
        for (Contestant contestant : contestants) {
          if (contestant.takesPart().test(tasks)) {
            scores.add(
                new Line(contestant.name(), contestant.input(), tasks),
                contestant.bytes(),
                contestant.turn().seconds(session, tasks));
          }
        }
      }
    }
  }

  private List<Contestant> contestants() throws IOException {
    ScanContestants made = new ScanContestants(options);
    try (SparkSession session = session(options.mostTasks())) {
      addReaders(
          made,
          new BenchmarkFiles(
              options.data == null ? options.work.resolve("data") : options.data, session));
    }
    torch =
        TorchReference.start(
            options.python,
            options.scripts.resolve("lib/torch_reference.py"),
            List.of("--batches", Integer.toString(TORCH_BATCHES)),
            Map.of(),
            TORCH_BATCHES * TORCH_BATCH_BYTES,
            options.work.resolve("python.log"));
    torch.ifPresent(made::addTorch);
    return made.all();
  }

  /** Only what is read is written. */
  private void addReaders(ScanContestants made, BenchmarkFiles files) throws IOException {
    int rows = (int) Math.max(1, Math.min(ROWS_PER_FILE, options.size / GeneratedRows.ROW_BYTES));
    for (Form form : Form.values()) {
      if (options.formats.contains(form.format())) {
        say("input as " + form.display());
        made.addScans(files.set(form, fileCount(options.size, rows), rows));
      }
    }
    if (options.isWanted(ScanContestants.SQL)) {
      long sqlRows = options.sqlSize / GeneratedRows.ROW_BYTES / SQL_FILES;
      made.addSql(files.set(Form.PARQUET_FLOATS, SQL_FILES, (int) Math.max(1, sqlRows)));
    }
    if (options.isWanted(ScanContestants.COLD)) {
      for (int times = 1; times <= (options.marginal ? 2 : 1); times++) {
        made.addCold(files.set(Form.SAFETENSORS, fileCount(times * options.coldSize, rows), rows));
      }
    }
  }

  private static int fileCount(long bytes, int rows) {
    return (int) Math.max(1, Math.round((double) bytes / rows / GeneratedRows.ROW_BYTES));
  }

  /** As in conf/local; a first job of no use, so that nobody's turn pays for it. */
  private static SparkSession session(int tasks) {
    SparkSession session =
        SparkSession.builder()
            .master("local[" + tasks + "]")
            .appName("spark-batchnorm bench")
            .config("spark.ui.enabled", false)
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate();
    session.range(0, tasks, 1, tasks).collectAsList();
    return session;
  }

  private void print(ScanScores scores) throws IOException {
    ScanReport report = new ScanReport(scores, options.tasks);
    System.out.println(
        "float32 [*,64,28,28] in the page cache; GB/s of the best turn, and of the middle one, of "
            + Quantity.of(options.rounds, "round")
            + "\n");
    System.out.println(report.table());
    List<String> versions = new ArrayList<>();
    versions.add("Spark " + org.apache.spark.package$.MODULE$.SPARK_VERSION());
    if (torch.isPresent()) {
      versions.add(torch.get().versions());
    } else {
      System.out.println(
          "numpy and PyTorch: not measured, as " + options.python + " has no numpy or no torch\n");
    }
    System.out.println(report.bounds());
    System.out.println(Machine.describe());
    System.out.println(String.join(", ", versions) + "; " + ExactKernels.ofThisJvm().reason());
  }

  private static void say(String line) {
    System.err.println("bench: " + line);
  }
}
