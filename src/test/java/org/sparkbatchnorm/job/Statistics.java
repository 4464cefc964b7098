package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

/** A layer's numbers, of a report or of a golden file, compared. */
final class Statistics {
  /**
   * Relative. Both sides add up to some 10^4 doubles in different orders, each order good to a few
   * 1e-16 times the condition number of the variance, which is below 10^3 in these data.
   */
  static final double TOLERANCE = 1e-12;

  static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""), "src", "test", "resources", "golden");

  private static final ObjectMapper JSON = new ObjectMapper();

  private Statistics() {}

  /** What the producers' own numpy and PyTorch give: {@code expected.json} of a golden folder. */
  static JsonNode expected(String folder) throws IOException {
    return JSON.readTree(GOLDEN.resolve(folder).resolve("expected.json").toFile());
  }

  static JsonNode json(String text) throws IOException {
    return JSON.readTree(text);
  }

  /** The report's layer of this name, in the report's own JSON. */
  static JsonNode layer(RunReport report, String name) throws IOException {
    for (JsonNode layer : json(ReportJson.of(report)).get("layers")) {
      if (layer.get("name").asText().equals(name)) {
        return layer;
      }
    }
    throw new AssertionError("no layer " + name + " in " + ReportJson.of(report));
  }

  /** Everything that both sides have; each may hold estimators that the other lacks. */
  static void assertSame(JsonNode actual, JsonNode expected) {
    assertThat(actual.get("channels")).isEqualTo(expected.get("channels"));
    assertThat(actual.get("miniBatches")).isEqualTo(expected.get("miniBatches"));
    assertThat(actual.get("count").toString()).isEqualTo(expected.get("count").toString());
    assertClose(actual.get("mean"), expected.get("mean"), "mean");
    for (String group : new String[] {"variance", "means"}) {
      actual
          .get(group)
          .fieldNames()
          .forEachRemaining(
              estimator -> {
                if (expected.get(group).has(estimator)) {
                  assertClose(
                      actual.get(group).get(estimator),
                      expected.get(group).get(estimator),
                      group + " of " + estimator);
                }
              });
    }
  }

  /** Exact sums are the same to the bit, whatever was read in whatever order. */
  static void assertSame(RunReport actual, RunReport expected) throws IOException {
    assertSamePooled(actual, expected);
    for (RunReport.Layer layer : expected.layers()) {
      assertSame(layer(actual, layer.name()), layer(expected, layer.name()));
    }
  }

  /** The same, where the mini-batches are other ones. */
  static void assertSamePooled(RunReport actual, RunReport expected) throws IOException {
    assertThat(actual.accumulator()).isEqualTo("exact");
    assertThat(actual.fingerprint()).isPresent().isEqualTo(expected.fingerprint());
    assertThat(actual.layers()).hasSameSizeAs(expected.layers());
    for (RunReport.Layer layer : expected.layers()) {
      JsonNode found = layer(actual, layer.name());
      JsonNode wanted = layer(expected, layer.name());
      for (String key :
          new String[] {"count", "mean", "variance", "means", "nonFinite", "fingerprint"}) {
        assertThat(found.get(key).toString()).as(key).isEqualTo(wanted.get(key).toString());
      }
    }
  }

  private static void assertClose(JsonNode actual, JsonNode expected, String what) {
    double[] found = doubles(actual);
    double[] wanted = doubles(expected);
    assertThat(found).as(what).hasSameSizeAs(wanted);
    IntStream.range(0, found.length)
        .forEach(
            c ->
                assertThat(found[c])
                    .as("%s, channel %d", what, c)
                    .isCloseTo(wanted[c], within(TOLERANCE * Math.abs(wanted[c]))));
  }

  static double[] doubles(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .toArray();
  }
}
