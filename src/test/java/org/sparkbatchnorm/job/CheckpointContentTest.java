package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.format.ReadableBytes;

/** What a run leaves behind: the checkpoint, the report, and nothing else. */
class CheckpointContentTest {
  private static final long SEED = 4711;

  @TempDir private Path folder;

  private Path input() throws IOException {
    return Activations.random(SEED).writeSafetensors(folder.resolve("in.safetensors"));
  }

  /** The header as it is in the file: its length, then JSON. */
  private JsonNode header() throws IOException {
    byte[] file = Files.readAllBytes(TestJob.checkpoint(folder));
    int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
    return Statistics.json(new String(file, Long.BYTES, length, StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @CsvSource({"F64, 0", "F32, 6e-8", "F16, 1e-3", "BF16, 8e-3"})
  void namesTypesAndMetadataArePyTorchs(String dtype, double rounding) throws IOException {
    RunReport report =
        TestJob.of(
                folder,
                input(),
                "checkpoint.dtype=" + dtype,
                "checkpoint.epsilon=1e-3",
                "input.layers=fc.bn",
                "input.layers=seq.1")
            .run();
    JsonNode header = header();
    assertThat(Stream.of("mean", "var").map(name -> header.get("fc.bn.running_" + name)))
        .allSatisfy(
            tensor -> {
              assertThat(tensor.get("dtype").asText()).isEqualTo(dtype);
              assertThat(tensor.get("shape").toString()).isEqualTo("[7]");
            });
    JsonNode tracked = header.get("seq.1.num_batches_tracked");
    assertThat(tracked.get("dtype").asText()).isEqualTo("I64");
    assertThat(tracked.get("shape").toString()).isEqualTo("[]");
    JsonNode metadata = header.get("__metadata__");
    assertThat(metadata.get("format").asText()).isEqualTo("pt");
    assertThat(metadata.get("spark-batchnorm.version").asText()).isEqualTo(ProductVersion.text());
    assertThat(metadata.get("spark-batchnorm.estimator").asText()).isEqualTo("pooled-unbiased");
    assertThat(Double.parseDouble(metadata.get("spark-batchnorm.epsilon").asText()))
        .isEqualTo(1e-3);
    long count = report.layers().get(0).counts()[0];
    assertThat(Statistics.json(metadata.get("spark-batchnorm.layers").asText()).get("fc.bn"))
        .isEqualTo(Statistics.json("{\"count\":" + count + ",\"miniBatches\":5}"));

    byte[] bytes = Files.readAllBytes(TestJob.checkpoint(folder));
    CheckpointLayer layer =
        SafetensorsCheckpoint.decode(ReadableBytes.of("bn", bytes)).layer("fc.bn");
    assertThat(layer.batchesTracked()).hasValue(5);
    double[] variance = report.layers().get(0).statistics().get("pooled-unbiased").variance();
    for (int c = 0; c < variance.length; c++) {
      // Half the spacing of the type's numbers, relative.
      assertThat(Math.abs(layer.variance()[c] - variance[c]) / variance[c])
          .isLessThanOrEqualTo(rounding);
    }
  }

  @Test
  void theFirstEstimatorGoesIntoTheCheckpoint() throws IOException {
    TestJob.of(folder, input(), "statistics.estimator=paper,pooled-biased").run();
    assertThat(header().get("__metadata__").get("spark-batchnorm.estimator").asText())
        .isEqualTo("paper");
  }

  @Test
  void theSameInputGivesTheSameBytesWhereverItLies() throws IOException {
    TestJob.of(folder, input()).run();
    byte[] first = Files.readAllBytes(TestJob.checkpoint(folder));
    Path elsewhere =
        Activations.random(SEED).writeSafetensors(folder.resolve("other place/x.safetensors"));
    TestJob.of(folder, elsewhere).run();
    assertThat(Files.readAllBytes(TestJob.checkpoint(folder))).isEqualTo(first);
  }

  @Test
  void theReportHasEveryKeyOfTheContract() throws IOException {
    Path file = folder.resolve("out/report.json");
    TestJob.of(folder, input(), "report.path=" + file, "statistics.estimator=pooled-biased,paper")
        .run();
    JsonNode report = Statistics.json(Files.readString(file));
    assertThat(report.get("checkpoint").asText()).isEqualTo(TestJob.checkpoint(folder).toString());
    assertThat(report.get("estimators").toString()).isEqualTo("[\"pooled-biased\",\"paper\"]");
    assertThat(report.get("epsilon").asDouble()).isEqualTo(1e-5);
    assertThat(report.get("layers")).hasSize(3);
    JsonNode layer = report.get("layers").get(0);
    for (String key :
        List.of(
            "name",
            "channels",
            "miniBatches",
            "count",
            "mean",
            "constantChannels",
            "variance",
            "means",
            "nonFinite")) {
      assertThat(layer.has(key)).as(key).isTrue();
    }
    assertThat(layer.get("variance").has("pooled-biased")).isTrue();
    assertThat(layer.get("variance").has("paper")).isTrue();
    assertThat(layer.get("means").has("paper")).isTrue();
    assertThat(layer.get("means").has("pooled-biased")).isFalse();
    for (String key : List.of("nan", "positiveInfinity", "negativeInfinity")) {
      assertThat(layer.get("nonFinite").get(key)).hasSize(layer.get("channels").asInt());
    }
    assertThat(report.get("input").get("files").asInt()).isEqualTo(1);
    assertThat(report.get("input").get("tensors").asInt()).isEqualTo(15);
    assertThat(report.get("input").get("bytes").asLong()).isPositive();
    assertThat(report.get("input").get("splits").asInt()).isEqualTo(1);
    assertThat(report.get("input").get("paths")).hasSize(1);
    JsonNode seconds = report.get("seconds");
    assertThat(seconds.get("total").asDouble())
        .isGreaterThanOrEqualTo(seconds.get("plan").asDouble() + seconds.get("scan").asDouble());
    try (Stream<Path> left = Files.list(folder.resolve("out"))) {
      assertThat(left).containsExactlyInAnyOrder(file, TestJob.checkpoint(folder));
    }
  }

  @Test
  void aPlanWritesNothing() throws IOException {
    JobPlan plan = TestJob.of(folder, input(), "input.split-size=1000").plan();
    assertThat(plan.layers().stream().map(JobPlan.Layer::name))
        .containsExactly("conv.bn", "fc.bn", "seq.1");
    assertThat(plan.tensors()).isEqualTo(15);
    assertThat(plan.splits()).isGreaterThan(1);
    assertThat(TestJob.checkpoint(folder).getParent()).doesNotExist();
  }

  @Test
  void aTablesPlanIsThatOfTheSameTensorsInFiles() throws IOException {
    Activations.random(SEED).dataFrame().write().parquet(folder.resolve("table").toString());
    JobPlan table = TestJob.of(folder, folder.resolve("table")).plan();
    JobPlan files = TestJob.of(folder, input()).plan();
    assertThat(table.layers()).isEqualTo(files.layers());
    assertThat(table.tensors()).isEqualTo(files.tensors());
  }

  /** Listed before anything is written; the second run must not take the output for an input. */
  @Test
  void anOutputMayLieInsideAnInputFolder() throws IOException {
    new Activations()
        .addF32("bn", Activations.shape(2, 1), 1, 3)
        .writeSafetensors(folder.resolve("out/activations.safetensors"));
    TestJob job =
        TestJob.of(folder, folder.resolve("out"), "report.path=" + folder.resolve("out/r.npy"));
    RunReport first = job.run();
    RunReport second = job.run();
    assertThat(first.input().files()).isEqualTo(1);
    assertThat(second.input().files()).isEqualTo(1);
    assertThat(second.fingerprint()).isEqualTo(first.fingerprint());
  }
}
