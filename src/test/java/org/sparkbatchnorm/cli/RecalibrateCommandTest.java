package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.job.LocalSpark;
import org.sparkbatchnorm.job.Setting;

/**
 * What users and scripts rely on in {@code recalibrate}: words, exit codes, and where output goes.
 */
class RecalibrateCommandTest {
  private static final Path DIGITS =
      Path.of(System.getProperty("basedir", "")).toAbsolutePath().resolve("jobs/data/digits");

  @TempDir private Path folder;
  private Path jobFile;
  private Path output;

  /** The command finds it, and leaves it running. */
  @BeforeAll
  static void startSession() {
    LocalSpark.session();
  }

  @BeforeEach
  void writeJobFile() throws IOException {
    jobFile = folder.resolve("job.yaml");
    output = folder.resolve("from-file.safetensors");
    Files.writeString(
        jobFile,
        """
        input:
          paths: %s
          layers: bn3
        statistics:
          estimator: pooled-biased
        checkpoint:
          path: from-file.safetensors
        """
            .formatted(DIGITS));
  }

  /** Of all documents in the text there must be one. */
  private static JsonNode onlyDocument(String text) throws IOException {
    try (MappingIterator<JsonNode> documents =
        new ObjectMapper().readerFor(JsonNode.class).readValues(text)) {
      List<JsonNode> all = documents.readAll();
      assertThat(all).hasSize(1);
      return all.get(0);
    }
  }

  private static int jobsStarted() {
    return LocalSpark.session()
        .sparkContext()
        .statusTracker()
        .getJobIdsForGroup("spark-batchnorm")
        .length;
  }

  @Test
  void theJobFileDecidesWhatTheCommandLineDoesNot() throws IOException {
    CommandRun run = CommandRun.of("recalibrate", jobFile.toString(), "--json");
    assertThat(run.exitCode()).as(run.err()).isEqualTo(Main.DONE);
    JsonNode report = onlyDocument(run.out());
    assertThat(report.get("estimators").toString()).isEqualTo("[\"pooled-biased\"]");
    assertThat(report.get("layers")).hasSize(1);
    assertThat(report.get("checkpoint").asText()).isEqualTo(output.toString());
    assertThat(output).exists();
  }

  @Test
  void optionsReplaceTheJobFileAndSet() throws IOException {
    Path other = folder.resolve("from-option.safetensors");
    CommandRun run =
        CommandRun.of(
            "recalibrate",
            jobFile.toString(),
            "--estimator",
            "paper,pooled-unbiased",
            "--layers",
            "bn1",
            "--layers",
            "bn2",
            "--set",
            "checkpoint.path=" + folder.resolve("from-set.safetensors"),
            "--set",
            "checkpoint.epsilon=0.25",
            "--output",
            other.toString(),
            "--json");
    assertThat(run.exitCode()).as(run.err()).isEqualTo(Main.DONE);
    JsonNode report = onlyDocument(run.out());
    assertThat(report.get("estimators").toString()).isEqualTo("[\"paper\",\"pooled-unbiased\"]");
    assertThat(report.get("layers").get(0).get("name").asText()).isEqualTo("bn1");
    assertThat(report.get("layers").get(1).get("name").asText()).isEqualTo("bn2");
    assertThat(report.get("epsilon").asDouble()).isEqualTo(0.25);
    assertThat(other).exists();
    assertThat(output).doesNotExist();
    assertThat(folder.resolve("from-set.safetensors")).doesNotExist();
  }

  @Test
  void movingAveragesHaveOptions() throws IOException {
    CommandRun run =
        CommandRun.of(
            "recalibrate",
            jobFile.toString(),
            "--estimator",
            "moving-average,paper",
            "--mini-batch",
            "50",
            "--momentum",
            "0.75",
            "--convention",
            "keras",
            "--initial",
            "fresh",
            "--json");
    assertThat(run.exitCode()).as(run.err()).isEqualTo(Main.DONE);
    JsonNode report = onlyDocument(run.out());
    assertThat(report.get("estimators").toString()).isEqualTo("[\"moving-average\",\"paper\"]");
    assertThat(report.get("epsilon").asDouble()).isEqualTo(1e-3);
    assertThat(report.get("warnings")).isEmpty();
    JsonNode layer = report.get("layers").get(0);
    // 17 tensors of 100 rows and one of 97.
    assertThat(layer.get("miniBatches").asInt()).isEqualTo(36);
    assertThat(layer.get("variance")).hasSize(2);
    assertThat(layer.get("means")).hasSize(2);
  }

  @Test
  void whatHasNoOrderIsBadData() {
    CommandRun run =
        CommandRun.of(
            "recalibrate",
            jobFile.toString(),
            "--estimator",
            "moving-average",
            "--layer-pattern",
            "(?<layer>.+)/[0-9]+");
    assertThat(run.exitCode()).isEqualTo(Main.BAD_DATA);
    assertThat(run.err())
        .startsWith("error: " + DIGITS.resolve("000001.safetensors") + " at byte ")
        .contains(
            "MINI_BATCH_ORDER: a moving average needs an order of the mini-batches, but bn3/1")
        .contains("--momentum none needs no order");
    assertThat(output).doesNotExist();
  }

  @Test
  void aStartFromAModelNeedsOne() {
    CommandRun run = CommandRun.of("recalibrate", jobFile.toString(), "--initial", "model");
    assertThat(run.exitCode()).isEqualTo(Main.USAGE);
    assertThat(run.err())
        .isEqualTo(
            "error: --initial model: statistics.initial: there is no model; set checkpoint.model in"
                + " the job file or with --model\n");
  }

  @Test
  void withoutJsonATableIsPrinted() {
    CommandRun run = CommandRun.of("recalibrate", jobFile.toString());
    assertThat(run.exitCode()).isEqualTo(Main.DONE);
    assertThat(run.out()).startsWith("layer").contains("bn3", "1797", "wrote " + output);
    assertThat(run.err()).isEmpty();
  }

  @Test
  void theReportIsTheDocumentThatJsonPrints() throws IOException {
    Path file = folder.resolve("new/folder/report.json");
    CommandRun run =
        CommandRun.of("recalibrate", jobFile.toString(), "--json", "--report", file.toString());
    assertThat(run.exitCode()).isEqualTo(Main.DONE);
    assertThat(Files.readString(file)).isEqualTo(run.out());
  }

  @Test
  void aDryRunPrintsThePlanAndWritesNothing() throws IOException {
    CommandRun run = CommandRun.of("recalibrate", jobFile.toString(), "--dry-run", "--json");
    assertThat(run.exitCode()).isEqualTo(Main.DONE);
    JsonNode plan = onlyDocument(run.out());
    assertThat(plan.get("layers").get(0).get("channels").asInt()).isEqualTo(32);
    assertThat(plan.get("input").get("files").asInt()).isEqualTo(18);
    assertThat(CommandRun.of("recalibrate", jobFile.toString(), "--dry-run").out())
        .contains("bn3", "1 layer, 18 tensors in 18 files", "only headers were read");
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(jobFile);
    }
  }

  @ParameterizedTest
  @EnumSource(Setting.class)
  void helpHasEverySettingThatHasAnOption(Setting setting) {
    String help = CommandRun.of("recalibrate", "--help").out();
    setting.option().ifPresent(option -> assertThat(help).containsPattern(option + "[ =\\n]"));
    assertThat(help).contains("--set", "--dry-run", "--json", "--version");
  }

  @Test
  void anUnknownOptionIsAMistakeInUsage() {
    CommandRun run = CommandRun.of("recalibrate", jobFile.toString(), "--estimater", "paper");
    assertThat(run.exitCode()).isEqualTo(Main.USAGE);
    assertThat(run.err()).contains("--estimater").contains("recalibrate --help");
    assertThat(run.out()).isEmpty();
  }

  @Test
  void anUnknownKeyNamesFileLineAndTheNearestOne() throws IOException {
    Files.writeString(jobFile, "input:\n  pathes: x\n");
    CommandRun run = CommandRun.of("recalibrate", jobFile.toString());
    assertThat(run.exitCode()).isEqualTo(Main.USAGE);
    assertThat(run.err()).startsWith("error: " + jobFile).contains("2", "pathes", "paths");
  }

  @Test
  void anOutputThatExistsIsRefusedBeforeAnyJobOfSparks() throws IOException {
    Files.writeString(output, "mine");
    int before = jobsStarted();
    CommandRun run = CommandRun.of("recalibrate", jobFile.toString(), "--input", "/no/such/input");
    assertThat(run.exitCode()).isEqualTo(Main.USAGE);
    assertThat(run.err())
        .isEqualTo("error: " + output + " exists already; --overwrite replaces it\n");
    assertThat(Files.readString(output)).isEqualTo("mine");
    assertThat(jobsStarted()).isEqualTo(before);
    assertThat(CommandRun.of("recalibrate", jobFile.toString(), "--overwrite").exitCode())
        .isEqualTo(Main.DONE);
  }

  /** A file stands where the folder would have to be made; holds for root, too. */
  @Test
  void anOutputThatCannotBeWrittenIsNotCommitted() {
    CommandRun run =
        CommandRun.of(
            "recalibrate",
            jobFile.toString(),
            "--output",
            folder.resolve("job.yaml/bn.safetensors").toString());
    assertThat(run.exitCode()).as(run.err()).isEqualTo(Main.NOT_COMMITTED);
    assertThat(run.err()).startsWith("error: cannot write " + jobFile + "/bn.safetensors: ");
    assertThat(run.err()).doesNotContain("\tat ");
  }

  @Test
  void filesOfTwoFormatsAreAMistakeInUsage() throws IOException {
    Files.createDirectories(folder.resolve("in"));
    Files.write(folder.resolve("in/a.npy"), new byte[0]);
    Files.write(folder.resolve("in/b.parquet"), new byte[0]);
    CommandRun run =
        CommandRun.of(
            "recalibrate", jobFile.toString(), "--input", folder.resolve("in").toString());
    assertThat(run.exitCode()).isEqualTo(Main.USAGE);
    assertThat(run.err()).contains("(npy, parquet); say which with --format");
  }

  @Test
  void aGlobThatMatchesNoLayerIsAMistakeInUsage() {
    CommandRun run = CommandRun.of("recalibrate", jobFile.toString(), "--layers", "bn9");
    assertThat(run.exitCode()).isEqualTo(Main.USAGE);
    assertThat(run.err())
        .isEqualTo(
            "error: --layers (input.layers): no layer of the input matches bn9; there are bn1, bn2, bn3\n");
  }

  @Test
  void badDataHasACodeOfItsOwn() throws IOException {
    Path bad = folder.resolve("bad.safetensors");
    Files.write(bad, new byte[3]);
    CommandRun run = CommandRun.of("recalibrate", jobFile.toString(), "--input", bad.toString());
    assertThat(run.exitCode()).isEqualTo(Main.BAD_DATA);
    assertThat(run.err()).startsWith("error: " + bad + " at byte 3: HEADER_TRUNCATED: ");
    assertThat(output).doesNotExist();
  }
}
