package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SettingTest {

  @Test
  void theTableHoldsTheseKeysAndOptions() {
    assertThat(
            Arrays.stream(Setting.values())
                .map(setting -> setting.key() + setting.option().map(o -> " " + o).orElse("")))
        .containsExactly(
            "input.paths --input",
            "input.format --format",
            "input.layout --layout",
            "input.layouts",
            "input.layer-pattern --layer-pattern",
            "input.layers --layers",
            "input.non-finite --non-finite",
            "input.columns.layer",
            "input.columns.data",
            "input.columns.shape",
            "input.columns.dtype",
            "input.columns.batch",
            "input.split-size --split-size",
            "statistics.estimator --estimator",
            "statistics.mini-batch --mini-batch",
            "statistics.momentum --momentum",
            "statistics.initial --initial",
            "statistics.drop-incomplete --drop-incomplete",
            "statistics.accumulator --accumulator",
            "checkpoint.path --output",
            "checkpoint.model --model",
            "checkpoint.state-dict",
            "checkpoint.names",
            "checkpoint.convention --convention",
            "checkpoint.dtype --dtype",
            "checkpoint.epsilon --epsilon",
            "checkpoint.overwrite --overwrite",
            "report.path --report");
  }

  @ParameterizedTest
  @EnumSource
  void everyRowIsWhole(Setting setting) {
    assertThat(Setting.ofKey(setting.key())).contains(setting);
    assertThat(setting.description()).endsWith(".");
    assertThat(setting.argument().isEmpty()).isEqualTo(setting.kind() == Setting.Kind.FLAG);
    setting.option().ifPresent(option -> assertThat(option).matches("--[a-z]+(-[a-z]+)*"));
    assertThat(setting.argument().contains("=")).isEqualTo(setting.kind() == Setting.Kind.MAP);
  }

  @ParameterizedTest
  @EnumSource
  void setReachesEveryKey(Setting setting) {
    String value =
        switch (setting) {
          case INPUT_FORMAT -> "npy";
          case INPUT_LAYOUTS -> "NCHW";
          case INPUT_SPLIT_SIZE -> "1";
          case STATISTICS_MOMENTUM -> "none";
          case CHECKPOINT_PATH, CHECKPOINT_MODEL -> "x.safetensors";
          case CHECKPOINT_CONVENTION -> "flax";
          case CHECKPOINT_EPSILON -> "0";
          default -> setting.defaultText().orElse("x");
        };
    String key = setting.kind() == Setting.Kind.MAP ? setting.key() + ".bn*" : setting.key();
    List<Assignment> commandLine =
        List.of(
            Assignment.ofOption(Setting.INPUT_PATHS, "in"),
            Assignment.ofOption(Setting.CHECKPOINT_PATH, "out.safetensors"),
            Assignment.ofOption(Setting.CHECKPOINT_MODEL, "model.safetensors"),
            Assignment.parse(key + "=" + value));
    assertThat(JobSpec.parse(Optional.empty(), commandLine, "/w")).isNotNull();
  }
}
