package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The statistics of files that numpy, safetensors and pyarrow wrote are those that numpy and
 * PyTorch's {@code update_bn} give for them (expected.json in the golden folders).
 */
class GoldenStatisticsTest {
  private static final String NPY = "npy/numpy-2.4.6";
  private static final String SAFETENSORS = "safetensors/safetensors-0.8.0";
  private static final String PARQUET = "parquet/pyarrow-26.0.1";
  private static final String ALL = "statistics.estimator=pooled-unbiased,pooled-biased,paper";

  @TempDir private Path folder;

  /** All npy files are read by one job; each is a layer of its own, named by its path. */
  @ParameterizedTest
  @ValueSource(strings = {"channels-first", "channels-last"})
  void npyOfEveryTypeByteOrderElementOrderVersionAndRank(String layout) throws IOException {
    JsonNode golden = Statistics.expected(NPY);
    List<String> settings = new ArrayList<>(List.of(ALL, "input.layout=" + layout));
    List<String> layers = new ArrayList<>();
    for (Map.Entry<String, JsonNode> file : golden.get("files").properties()) {
      JsonNode array = golden.get("arrays").get(file.getValue().get("array").asText());
      if (array.get("layout").asText().equals(layout) && !array.get("statistics").isNull()) {
        layers.add(file.getKey().replaceFirst("\\.npy$", ""));
      }
    }
    layers.forEach(layer -> settings.add("input.layers=" + layer));
    RunReport report =
        TestJob.of(folder, Statistics.GOLDEN.resolve(NPY), settings.toArray(String[]::new)).run();
    assertThat(report.layers()).hasSameSizeAs(layers).isNotEmpty();
    for (String layer : layers) {
      JsonNode array =
          golden.get("arrays").get(golden.get("files").get(layer + ".npy").get("array").asText());
      Statistics.assertSame(Statistics.layer(report, layer), array.get("statistics"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "all-dtypes-nchw.safetensors, channels-first, small",
    "all-dtypes-nchw.safetensors, NCHW, small",
    "all-dtypes-nhwc.safetensors, channels-last, small-nhwc",
    "all-dtypes-nhwc.safetensors, NHWC, small-nhwc"
  })
  void safetensorsOfAllElevenTypesInBothLayouts(String file, String layout, String array)
      throws IOException {
    JsonNode golden = Statistics.expected(SAFETENSORS);
    RunReport report =
        TestJob.of(
                folder,
                Statistics.GOLDEN.resolve(SAFETENSORS).resolve(file),
                ALL,
                "input.layout=" + layout)
            .run();
    assertThat(report.layers()).hasSize(11);
    for (RunReport.Layer layer : report.layers()) {
      Statistics.assertSame(
          Statistics.layer(report, layer.name()),
          golden.get("arrays").get(array).get("statistics"));
    }
  }

  /** The default, the sizes of the contract, and one that cuts every mini-batch into rows. */
  @ParameterizedTest
  @CsvSource({
    "mini-batches.safetensors, 1",
    "mini-batches.safetensors, 300",
    "mini-batches.safetensors, 1000",
    "mini-batches.safetensors, 64KiB",
    "mini-batches.safetensors, 1GiB",
    "shards, 1",
    "shards, 64KiB"
  })
  void miniBatchesGiveTheNumbersOfUpdateBnHoweverSplitsCutThem(String input, String splitSize)
      throws IOException {
    JsonNode golden = Statistics.expected(SAFETENSORS);
    RunReport report =
        TestJob.of(
                folder,
                Statistics.GOLDEN.resolve(SAFETENSORS).resolve(input),
                ALL,
                "input.split-size=" + splitSize)
            .run();
    for (String layer : List.of("bn", "features.1.bn")) {
      Statistics.assertSame(Statistics.layer(report, layer), golden.get("layers").get(layer));
    }
  }

  @Test
  void namesOfAnyAlphabetWithQuotesAndBackslashes() throws IOException {
    JsonNode golden = Statistics.expected(SAFETENSORS);
    JsonNode tensors = golden.get("files").get("names-and-metadata.safetensors").get("tensors");
    RunReport report =
        TestJob.of(
                folder,
                Statistics.GOLDEN.resolve(SAFETENSORS).resolve("names-and-metadata.safetensors"))
            .run();
    assertThat(report.layers().stream().map(RunReport.Layer::name))
        .containsExactlyInAnyOrderElementsOf(
            tensors.properties().stream()
                .map(tensor -> tensor.getKey().replaceFirst("/0$", ""))
                .toList());
  }

  static List<String> parquetForms() throws IOException {
    return Statistics.expected(PARQUET).get("files").properties().stream()
        .map(Map.Entry::getKey)
        .toList();
  }

  @ParameterizedTest
  @MethodSource("parquetForms")
  void parquetOfEveryForm(String input) throws IOException {
    JsonNode golden = Statistics.expected(PARQUET);
    RunReport report =
        TestJob.of(folder, Statistics.GOLDEN.resolve(PARQUET).resolve(input), ALL).run();
    List<String> layers = new ArrayList<>();
    golden.get("files").get(input).forEach(layer -> layers.add(layer.asText()));
    assertThat(report.layers().stream().map(RunReport.Layer::name))
        .containsExactlyInAnyOrderElementsOf(layers);
    for (String layer : layers) {
      Statistics.assertSame(Statistics.layer(report, layer), golden.get("layers").get(layer));
    }
  }
}
