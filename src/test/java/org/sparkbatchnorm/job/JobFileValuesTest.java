package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.checkpoint.ModelFormat;

/** Values in a job file that are refused, with the whole message. */
class JobFileValuesTest {
  private static final String LAYOUTS =
      "allowed: channels-first, channels-last, NC, NCL, NLC, NCHW, NHWC, NCDHW, NDHWC";
  private static final String ESTIMATORS =
      "allowed: pooled-unbiased, pooled-biased, paper, moving-average";
  private static final String SIZE =
      "expected a whole number of bytes more than 0, plain or with KiB, MiB or GiB";

  private static final String MOMENTUM = "expected a number between 0 and 1, or none";
  private static final String MINI_BATCH = "expected tensor, key, or a number of rows more than 0";

  static Stream<Arguments> kinds() {
    return Stream.of(
        arguments("input.layout", "[NCHW]", "found a list; expected a value"),
        arguments("input.layout", "{a: b}", "found a mapping; expected a value"),
        arguments("input.layout", "", "found no value; expected a value"),
        arguments("input.layout", "~", "found no value; expected a value"),
        arguments("input.layout", "''", "found no value"),
        arguments("input.paths", "[]", "found an empty list; expected a value or a list of values"),
        arguments("input.paths", "{a: b}", "found a mapping; expected a value or a list of values"),
        arguments("input.paths", "null", "found no value; expected a value or a list of values"),
        arguments("input.paths", "[a, [b]]", "found a list; expected a value in the list"),
        arguments("input.layers", "[a, ~]", "found no value; expected a value in the list"),
        arguments("input.paths", "[a, '']", "found no value"),
        arguments(
            "input.paths",
            "\"a\\nb\"",
            "found a\\u000ab; expected no line breaks or other control characters"),
        arguments(
            "report.path",
            "false",
            "found the boolean false; expected a value; quote it if it is meant as text"),
        arguments(
            "input.layers",
            "[a, TRUE]",
            "found the boolean TRUE; expected a value in the list; quote it if it is meant as text"),
        arguments(
            "input.layouts",
            "NCHW",
            "found the value NCHW; expected a mapping from GLOB to LAYOUT"),
        arguments(
            "input.layouts", "[NCHW]", "found a list; expected a mapping from GLOB to LAYOUT"),
        arguments(
            "checkpoint.names",
            "bn1",
            "found the value bn1; expected a mapping from LAYER to MODEL-LAYER"),
        arguments("checkpoint.overwrite", "yes", "unknown value yes; allowed: true, false"),
        arguments(
            "checkpoint.overwrite",
            "True",
            "unknown value True; did you mean true? allowed: true, false"),
        arguments("checkpoint.overwrite", "1", "unknown value 1; allowed: true, false"),
        arguments("checkpoint.overwrite", "", "found no value; expected true or false"),
        arguments("statistics.drop-incomplete", "[true]", "found a list; expected true or false"));
  }

  static Stream<Arguments> words() {
    return Stream.of(
        arguments(
            "input.format",
            "safetensor",
            "unknown value safetensor; did you mean safetensors? allowed: safetensors, npy, parquet"),
        arguments("input.layout", "nchw", "unknown value nchw; did you mean NCHW? " + LAYOUTS),
        arguments("input.layout", "rows", "unknown value rows; " + LAYOUTS),
        arguments(
            "input.non-finite",
            "skp",
            "unknown value skp; did you mean skip? allowed: fail, skip, propagate"),
        arguments("statistics.estimator", "pooled", "unknown value pooled; " + ESTIMATORS),
        arguments(
            "statistics.estimator",
            "paper, pooled-unbaised",
            "unknown value pooled-unbaised; did you mean pooled-unbiased? " + ESTIMATORS),
        arguments("statistics.estimator", "paper,", "found no value"),
        arguments("statistics.estimator", "[paper, paper]", "paper stands twice"),
        arguments("statistics.estimator", "paper,paper", "paper stands twice"),
        arguments(
            "statistics.estimator",
            "[\"x,paper\"]",
            "unknown value x,paper; did you mean paper? " + ESTIMATORS),
        arguments("statistics.initial", "zero", "unknown value zero; allowed: fresh, model"),
        arguments(
            "checkpoint.convention",
            "jax",
            "unknown value jax; allowed: pytorch, keras, keras-fused, flax, onnx"),
        arguments(
            "checkpoint.convention",
            "keras_fused",
            "unknown value keras_fused; did you mean keras-fused? allowed: pytorch, keras,"
                + " keras-fused, flax, onnx"),
        arguments(
            "checkpoint.dtype",
            "f32",
            "unknown value f32; did you mean F32? allowed: F64, F32, F16, BF16"),
        arguments("checkpoint.dtype", "U8", "unknown value U8; allowed: F64, F32, F16, BF16"));
  }

  static Stream<Arguments> numbers() {
    String epsilon = "expected a finite number, 0 or more";
    return Stream.of(
        arguments("checkpoint.epsilon", "-1e-9", "found -1e-9; " + epsilon),
        arguments("checkpoint.epsilon", ".nan", "found .nan; " + epsilon),
        arguments("checkpoint.epsilon", "NaN", "found NaN; " + epsilon),
        arguments("checkpoint.epsilon", "Infinity", "found Infinity; " + epsilon),
        arguments("checkpoint.epsilon", "1e999", "found 1e999; " + epsilon),
        arguments("checkpoint.epsilon", "0x1p-3", "found 0x1p-3; " + epsilon),
        arguments("checkpoint.epsilon", "1f", "found 1f; " + epsilon),
        arguments("statistics.momentum", "1.1", "found 1.1; " + MOMENTUM),
        arguments("statistics.momentum", "-0.1", "found -0.1; " + MOMENTUM),
        arguments("statistics.momentum", "None", "found None; " + MOMENTUM),
        arguments("statistics.momentum", "NaN", "found NaN; " + MOMENTUM),
        arguments("statistics.mini-batch", "batch", "found batch; " + MINI_BATCH),
        arguments("statistics.mini-batch", "-1", "found -1; " + MINI_BATCH),
        arguments("statistics.mini-batch", "1.5", "found 1.5; " + MINI_BATCH),
        arguments("statistics.mini-batch", "0", "found 0; " + MINI_BATCH),
        arguments(
            "statistics.mini-batch",
            "9223372036854775808",
            "found 9223372036854775808; expected at most 9223372036854775807 rows"),
        arguments("input.split-size", "0", "found 0; " + SIZE),
        arguments("input.split-size", "-1", "found -1; " + SIZE),
        arguments("input.split-size", "1.5GiB", "found 1.5GiB; " + SIZE),
        arguments("input.split-size", "64MB", "found 64MB; " + SIZE),
        arguments(
            "input.split-size",
            "8589934592GiB",
            "found 8589934592GiB; expected at most 9223372036854775807 bytes"),
        arguments(
            "input.split-size",
            "9223372036854775808",
            "found 9223372036854775808; expected at most 9223372036854775807 bytes"));
  }

  static Stream<Arguments> patternsAndPaths() {
    return Stream.of(
        arguments(
            "input.layer-pattern",
            "'(?<layer>.+'",
            "found (?<layer>.+, which is not a regular expression: Unclosed group at index 11"),
        arguments(
            "input.layer-pattern",
            "'.+'",
            "found .+; expected a regular expression with a group (?<layer>...)"),
        arguments(
            "input.layer-pattern",
            "'a|(?<name>.+)'",
            "found a|(?<name>.+); expected a regular expression with a group (?<layer>...)"),
        arguments(
            "checkpoint.path",
            "model.keras",
            "found model.keras; expected a path that ends in " + ModelFormat.newSuffixes()),
        arguments(
            "checkpoint.path",
            "out/",
            "found out/; expected a path that ends in " + ModelFormat.newSuffixes()));
  }

  static Stream<Arguments> models() {
    String missing = "there is no model; set checkpoint.model in the job file or with --model";
    return Stream.of(
        arguments(
            "checkpoint.model",
            "model.onnx",
            "found model.onnx; expected a path that ends in " + ModelFormat.allSuffixes()),
        arguments("statistics.initial", "model", missing),
        arguments("checkpoint.state-dict", "ema", missing));
  }

  @ParameterizedTest
  @MethodSource({"kinds", "words", "numbers", "patternsAndPaths", "models"})
  void isRefused(String key, String value, String reason) {
    String[] words = key.split("\\.", 2);
    String yaml = "%s:\n  %s: %s\n".formatted(words[0], words[1], value);
    assertMessage(yaml, "jobs/x.yaml:2: %s: %s".formatted(key, reason));
  }

  @Test
  void anItemOfAListHasItsOwnLine() {
    assertMessage(
        "statistics:\n  estimator:\n    - paper\n    - papre\n",
        "jobs/x.yaml:4: statistics.estimator: unknown value papre; did you mean paper? "
            + ESTIMATORS);
  }

  @Test
  void anEntryOfAMapHasItsOwnKey() {
    assertMessage(
        "input:\n  layouts:\n    layer1.*: NCHW\n    '*': NHCW\n",
        "jobs/x.yaml:4: input.layouts.*: unknown value NHCW; did you mean NCHW? " + LAYOUTS);
  }

  @Test
  void namesNeedAModel() {
    assertMessage(
        "checkpoint:\n  names:\n    bn1: a\n    bn2: b\n",
        "jobs/x.yaml:4: checkpoint.names.bn2: there is no model; set checkpoint.model in the job"
            + " file or with --model");
  }

  @Test
  void aCumulativeAverageDoesNotStartFromAModel() {
    assertMessage(
        """
        input: {paths: a}
        statistics: {momentum: none, initial: model}
        checkpoint: {path: x.pt, model: y.pt}
        """,
        "jobs/x.yaml:2: statistics.initial: a cumulative average (momentum none) starts from"
            + " nothing");
  }

  @Test
  void theReportIsNotTheCheckpoint() {
    assertMessage(
        """
        input: {paths: a}
        checkpoint: {path: x.safetensors}
        report: {path: ./x.safetensors}
        """,
        "jobs/x.yaml:3: report.path: found the path of the checkpoint; expected another");
  }

  private static void assertMessage(String yaml, String message) {
    JobFile file = new JobFile("jobs/x.yaml", yaml, "/w/jobs");
    assertThatThrownBy(() -> JobSpec.parse(file))
        .isInstanceOf(JobSpecException.class)
        .hasMessage(message);
  }
}
