package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Options and {@code --set} that are refused, with the whole message. */
class CommandLineSettingsTest {
  private static final String KEYS =
      "allowed: input.paths, input.format, input.layout, input.layouts.GLOB, input.layer-pattern,"
          + " input.layers, input.non-finite, input.columns.layer, input.columns.data,"
          + " input.columns.shape, input.columns.dtype, input.columns.batch, input.split-size,"
          + " statistics.estimator, statistics.mini-batch, statistics.momentum, statistics.initial,"
          + " statistics.drop-incomplete, statistics.accumulator,"
          + " checkpoint.path, checkpoint.model, checkpoint.state-dict, checkpoint.names.LAYER,"
          + " checkpoint.convention, checkpoint.dtype, checkpoint.epsilon, checkpoint.overwrite, report.path";
  private static final String LAYOUTS =
      "allowed: channels-first, channels-last, NC, NCL, NLC, NCHW, NHWC, NCDHW, NDHWC";

  static Stream<Arguments> set() {
    return Stream.of(
        arguments("foo", "--set foo: expected KEY=VALUE"),
        arguments("", "--set : expected KEY=VALUE"),
        arguments("input.layouts.bn*", "--set input.layouts.bn*: expected KEY=VALUE"),
        arguments("=x", "--set =x: unknown key (empty); " + KEYS),
        arguments(
            "input.layuot=NCHW",
            "--set input.layuot=NCHW: unknown key input.layuot; did you mean input.layout? "
                + KEYS),
        arguments(
            "inptu.layout=NCHW",
            "--set inptu.layout=NCHW: unknown key inptu.layout; did you mean input.layout? "
                + KEYS),
        arguments(
            "layers=a", "--set layers=a: unknown key layers; did you mean input.layers? " + KEYS),
        arguments("input=a", "--set input=a: unknown key input; " + KEYS),
        arguments(
            "input.layuots.layer1.*=NCHW",
            "--set input.layuots.layer1.*=NCHW: unknown key input.layuots.layer1.*;"
                + " did you mean input.layouts.GLOB? "
                + KEYS),
        arguments(
            "input.layouts=NCHW", "--set input.layouts=NCHW: expected input.layouts.GLOB=LAYOUT"),
        arguments(
            "input.layouts.=NCHW", "--set input.layouts.=NCHW: expected input.layouts.GLOB=LAYOUT"),
        arguments(
            "checkpoint.names=a",
            "--set checkpoint.names=a: expected checkpoint.names.LAYER=MODEL-LAYER"),
        arguments(
            "checkpoint.names.=a",
            "--set checkpoint.names.=a: expected checkpoint.names.LAYER=MODEL-LAYER"),
        arguments(
            "checkpoint.naems.bn1=a",
            "--set checkpoint.naems.bn1=a: unknown key checkpoint.naems.bn1;"
                + " did you mean checkpoint.names.LAYER? "
                + KEYS),
        arguments("a\nb=c", "--set a\\u000ab=c: unknown key a\\u000ab; " + KEYS),
        arguments("input.layout=", "--set input.layout=: input.layout: found no value"),
        arguments(
            "input.layouts.layer1.*=NCWH",
            "--set input.layouts.layer1.*=NCWH: input.layouts.layer1.*: unknown value NCWH;"
                + " did you mean NCHW? "
                + LAYOUTS),
        arguments(
            "checkpoint.overwrite=yes",
            "--set checkpoint.overwrite=yes: checkpoint.overwrite: unknown value yes;"
                + " allowed: true, false"),
        arguments(
            "statistics.estimator=paper,paper",
            "--set statistics.estimator=paper,paper: statistics.estimator: paper stands twice"));
  }

  @ParameterizedTest
  @MethodSource
  void set(String keyEqualsValue, String message) {
    assertThatThrownBy(() -> parse(Assignment.parse(keyEqualsValue)))
        .isInstanceOf(JobSpecException.class)
        .hasMessage(message);
  }

  @Test
  void anOptionIsNamedAsItWasGiven() {
    assertThatThrownBy(() -> parse(Assignment.ofOption(Setting.INPUT_LAYOUT, "NCWH")))
        .isInstanceOf(JobSpecException.class)
        .hasMessage(
            "--layout NCWH: input.layout: unknown value NCWH; did you mean NCHW? " + LAYOUTS);
    assertThatThrownBy(() -> parse(Assignment.ofOption(Setting.CHECKPOINT_PATH, "x.npy")))
        .isInstanceOf(JobSpecException.class)
        .hasMessage(
            "--output x.npy: checkpoint.path: found x.npy; expected a path that ends in"
                + " .safetensors, .pt, .npz");
  }

  @Test
  void aWrongValueIsFoundEvenWhereALaterOneReplacesIt() {
    JobFile file = new JobFile("jobs/x.yaml", "input:\n  layout: NCWH\n", "/w/jobs");
    List<Assignment> commandLine = List.of(Assignment.ofOption(Setting.INPUT_LAYOUT, "NCHW"));
    assertThatThrownBy(() -> JobSpec.parse(Optional.of(file), commandLine, "/here"))
        .isInstanceOf(JobSpecException.class)
        .hasMessage(
            "jobs/x.yaml:2: input.layout: unknown value NCWH; did you mean NCHW? " + LAYOUTS);
  }

  @Test
  void whatIsMissingWithoutAJobFile() {
    assertThatThrownBy(() -> parse())
        .isInstanceOf(JobSpecException.class)
        .hasMessage("command line: input.paths is missing; set it in the job file or with --input");
    assertThatThrownBy(() -> parse(Assignment.ofOption(Setting.INPUT_PATHS, "a")))
        .isInstanceOf(JobSpecException.class)
        .hasMessage(
            "command line: checkpoint.path is missing; set it in the job file or with --output");
  }

  @Test
  void aSettingWithoutAnOption() {
    assertThatThrownBy(() -> Assignment.ofOption(Setting.INPUT_COLUMNS_DATA, "x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("input.columns.data has no option of its own");
  }

  private static JobSpec parse(Assignment... commandLine) {
    return JobSpec.parse(Optional.empty(), List.of(commandLine), "/here");
  }
}
