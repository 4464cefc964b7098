package org.sparkbatchnorm.job;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
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
import picocli.CommandLine.Option;

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

  @Option(
      names = "--size",
      paramLabel = "N",
      defaultValue = "2GiB",
      description = "How much is read, to whole files of 257 MB. Default: ${DEFAULT-VALUE}.")
  private String size;

  @Option(
      names = "--tasks",
      paramLabel = "N",
      split = ",",
      defaultValue = "1,2",
      description = "How many read at a time. Default: ${DEFAULT-VALUE}.")
  private List<Integer> tasks;

  @Option(
      names = "--formats",
      paramLabel = "F",
      split = ",",
      defaultValue = "safetensors,npy,parquet",
      description = "Which formats are read. Default: ${DEFAULT-VALUE}.")
  private List<String> formats;

  @Option(
      names = "--contestants",
      paramLabel = "REGEX",
      defaultValue = ".*",
      description = "Only those whose whole names match.")
  private Pattern wanted;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "5",
      description = "How often each is measured. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--sql-size",
      paramLabel = "N",
      defaultValue = "16MiB",
      description = "How much Spark SQL reads. Default: ${DEFAULT-VALUE}.")
  private String sqlSize;

  @Option(
      names = "--cold-size",
      paramLabel = "N",
      defaultValue = "4GiB",
      description = "How much the launcher reads. Default: ${DEFAULT-VALUE}.")
  private String coldSize;

  @Option(
      names = "--marginal",
      description = "Also has the launcher read twice as much: what does the second half cost?")
  private boolean marginal;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Keeps the input there, and finds it there in the next run.")
  private Path data;

  @Option(
      names = "--python",
      paramLabel = "PATH",
      defaultValue = "python3",
      description = "One that has numpy and torch. Default: ${DEFAULT-VALUE}.")
  private String python;

  @Option(names = "--work", required = true, hidden = true)
  private Path work;

  @Option(names = "--scripts", required = true, hidden = true)
  private Path scripts;

  /** Runs it. */
  public static void main(String[] arguments) {
    CommandLine line = new CommandLine(new ScanBenchmark()).setUsageHelpAutoWidth(true);
    System.exit(line.execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    Configurator.setLevel("org.sparkbatchnorm", Level.WARN);
    ScanContestants made = new ScanContestants(work);
    addReaders(made);
    Optional<TorchReference> torch = startTorch();
    torch.ifPresent(made::addTorch);
    List<Contestant> contestants =
        made.all().stream().filter(c -> wanted.matcher(c.name()).matches()).toList();
    ScanScores scores = new ScanScores();
    for (int round = 0; round <= rounds; round++) {
      say(round == 0 ? "warming up" : "round " + round + " of " + rounds);
      for (int t : tasks) {
        try (SparkSession session = session(t)) {
          for (Contestant contestant : contestants) {
            if (contestant.takesPart().test(t) && (round > 0 || contestant.place() == Place.HERE)) {
              double seconds = contestant.turn().seconds(session, t);
              if (round > 0) {
                scores.add(
                    new Line(contestant.name(), contestant.input(), t),
                    contestant.bytes(),
                    seconds);
              }
            }
          }
        }
      }
    }
    print(scores, torch.map(TorchReference::versions).orElse("no numpy and torch"));
    if (torch.isPresent()) {
      torch.get().close();
    }
    return CommandLine.ExitCode.OK;
  }

  private void addReaders(ScanContestants made) throws IOException {
    BenchmarkFiles files = new BenchmarkFiles(data == null ? work.resolve("data") : data);
    long bytes = bytes("--size", size);
    int rows = (int) Math.max(1, Math.min(ROWS_PER_FILE, bytes / GeneratedRows.ROW_BYTES));
    int sqlRows =
        (int) Math.max(1, bytes("--sql-size", sqlSize) / GeneratedRows.ROW_BYTES / SQL_FILES);
    try (SparkSession session = session(Collections.max(tasks))) {
      for (Form form : Form.values()) {
        if (formats.contains(form.format().word())) {
          say("input as " + form.display());
          made.addScans(files.set(form, fileCount(bytes, rows), rows, session));
        }
      }
      made.addSql(files.set(Form.PARQUET_FLOATS, SQL_FILES, sqlRows, session));
      long cold = bytes("--cold-size", coldSize);
      for (long times = 1; times <= (marginal ? 2 : 1); times++) {
        made.addCold(
            scripts.resolve("spark-batchnorm"),
            files.set(Form.SAFETENSORS, fileCount(times * cold, rows), rows, session),
            Collections.max(tasks));
      }
    }
  }

  private static int fileCount(long bytes, int rows) {
    return (int) Math.max(1, Math.round((double) bytes / rows / GeneratedRows.ROW_BYTES));
  }

  private Optional<TorchReference> startTorch() throws IOException {
    return TorchReference.start(
        python,
        scripts.resolve("lib/torch_reference.py"),
        TORCH_BATCHES,
        work.resolve("python.log"));
  }

  /** As in conf/local; a first job of no use, so that nobody's turn pays for it. */
  private SparkSession session(int tasks) {
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

  private void print(ScanScores scores, String versions) throws IOException {
    ScanReport report = new ScanReport(scores, tasks);
    System.out.println(
        "float32 [*,64,28,28] in the page cache; best and median of " + rounds + " rounds\n");
    System.out.println(report.table());
    System.out.println(report.bounds());
    System.out.println(Machine.describe());
    System.out.println(
        "Spark "
            + org.apache.spark.package$.MODULE$.SPARK_VERSION()
            + ", "
            + versions
            + "; "
            + ExactKernels.ofThisJvm().reason());
  }

  private static void say(String line) {
    System.err.println("bench: " + line);
  }

  private static long bytes(String option, String text) {
    return new SettingText(option, text, "command line").bytes();
  }
}
