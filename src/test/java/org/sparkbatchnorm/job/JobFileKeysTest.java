package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Keys of a job file that are refused, with the whole message. */
class JobFileKeysTest {
  private static final String ROOT = "allowed: input, statistics, checkpoint, report";
  private static final String INPUT =
      "allowed: input.paths, input.format, input.layout, input.layouts, input.layer-pattern,"
          + " input.layers, input.non-finite, input.columns, input.split-size";
  private static final String COLUMNS =
      "allowed: input.columns.layer, input.columns.data, input.columns.shape,"
          + " input.columns.dtype, input.columns.batch";
  private static final String CHECKPOINT =
      "allowed: checkpoint.path, checkpoint.model, checkpoint.state-dict, checkpoint.names,"
          + " checkpoint.convention, checkpoint.dtype, checkpoint.epsilon, checkpoint.overwrite";

  static Stream<Arguments> unknownKeys() {
    return Stream.of(
        arguments(
            "# a comment\ninput:\n  paths: a\n\n  layuot: NCHW\n",
            "jobs/x.yaml:5: unknown key input.layuot; did you mean input.layout? " + INPUT),
        arguments("foo: 1\n", "jobs/x.yaml:1: unknown key foo; " + ROOT),
        arguments("inptu: {}\n", "jobs/x.yaml:1: unknown key inptu; did you mean input? " + ROOT),
        arguments("input:\n  xyz: 1\n", "jobs/x.yaml:2: unknown key input.xyz; " + INPUT),
        arguments(
            "input:\n  columns:\n    lyer: l\n",
            "jobs/x.yaml:3: unknown key input.columns.lyer; did you mean input.columns.layer? "
                + COLUMNS),
        arguments(
            "checkpoint:\n  output: a\n",
            "jobs/x.yaml:2: unknown key checkpoint.output; did you mean checkpoint.path? "
                + CHECKPOINT),
        arguments(
            "split-size: 1\n",
            "jobs/x.yaml:1: unknown key split-size; did you mean input.split-size? " + ROOT),
        arguments(
            "input.paths: a\n",
            "jobs/x.yaml:1: unknown key input.paths; a dot stands for a level of nesting,"
                + " and is not written here"),
        arguments("\"\": a\n", "jobs/x.yaml:1: unknown key (empty); " + ROOT),
        arguments("\"a\\nb\": c\n", "jobs/x.yaml:1: unknown key a\\u000ab; " + ROOT));
  }

  static Stream<Arguments> otherKeys() {
    return Stream.of(
        arguments(
            "input:\n  paths: a\n  paths: b\n",
            "jobs/x.yaml:3: duplicate key input.paths, first on line 2"),
        arguments(
            "input: {paths: a}\nreport: {}\n\"input\": {}\n",
            "jobs/x.yaml:3: duplicate key input, first on line 1"),
        arguments(
            "input:\n  layouts:\n    a*: NCHW\n    a*: NCHW\n",
            "jobs/x.yaml:4: duplicate key input.layouts.a*, first on line 3"),
        arguments("? [a]\n: b\n", "jobs/x.yaml:1: found a list as a key"),
        arguments("? {a: b}\n: c\n", "jobs/x.yaml:1: found a mapping as a key"));
  }

  static Stream<Arguments> missingKeys() {
    return Stream.of(
        arguments(
            "checkpoint:\n  path: o.safetensors\n",
            "jobs/x.yaml: input.paths is missing; set it in the job file or with --input"),
        arguments(
            "input:\n  paths: a\n",
            "jobs/x.yaml: checkpoint.path is missing; set it in the job file or with --output"),
        arguments("", "jobs/x.yaml: empty; expected a mapping; " + ROOT),
        arguments("# only a comment\n", "jobs/x.yaml: empty; expected a mapping; " + ROOT),
        arguments("---\n", "jobs/x.yaml: empty; expected a mapping; " + ROOT),
        arguments("- a\n", "jobs/x.yaml:1: found a list; expected a mapping; " + ROOT),
        arguments("\nabc\n", "jobs/x.yaml:2: found the value abc; expected a mapping; " + ROOT),
        arguments(
            "input: a\n", "jobs/x.yaml:1: input: found the value a; expected a mapping; " + INPUT),
        arguments("input:\n", "jobs/x.yaml:1: input: found no value; expected a mapping; " + INPUT),
        arguments(
            "input:\n  columns: [a]\n",
            "jobs/x.yaml:2: input.columns: found a list; expected a mapping; " + COLUMNS));
  }

  @ParameterizedTest
  @MethodSource({"unknownKeys", "otherKeys", "missingKeys"})
  void isRefused(String yaml, String message) {
    JobFile file = new JobFile("jobs/x.yaml", yaml, "/w/jobs");
    assertThatThrownBy(() -> JobSpec.parse(file))
        .isInstanceOf(JobSpecException.class)
        .hasMessage(message);
  }
}
