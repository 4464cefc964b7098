package org.sparkbatchnorm.cli;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.sparkbatchnorm.job.Assignment;
import org.sparkbatchnorm.job.Setting;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** Options that are made from the table of settings, so that no name or text stands twice. */
final class SettingOptions {
  private static final String SET = "--set";

  private SettingOptions() {}

  /** Adds an option for each of these settings that has one. */
  static void addTo(CommandSpec command, Collection<Setting> settings) {
    for (Setting setting : settings) {
      setting.option().ifPresent(name -> command.addOption(option(setting, name)));
    }
  }

  private static OptionSpec option(Setting setting, String name) {
    String description =
        setting.description()
            + setting.defaultText().map(text -> " Default: " + text + ".").orElse("");
    OptionSpec.Builder option =
        OptionSpec.builder(name).description(description.replace("%", "%%"));
    if (setting.kind() == Setting.Kind.FLAG) {
      return option.type(boolean.class).arity("0").build();
    }
    return option
        .type(List.class)
        .auxiliaryTypes(String.class)
        .arity("1")
        .paramLabel(setting.argument())
        .build();
  }

  /** Adds {@code --set KEY=VALUE}. */
  static void addSetTo(CommandSpec command) {
    addSetTo(command, "Any key of a job file, such as input.layouts.fc*=NC; repeatable.");
  }

  /** The same with another description. */
  static void addSetTo(CommandSpec command, String description) {
    command.addOption(
        OptionSpec.builder(SET)
            .type(List.class)
            .auxiliaryTypes(String.class)
            .arity("1")
            .paramLabel("KEY=VALUE")
            .description(description)
            .build());
  }

  /** What the command line said: {@code --set} first, then the options, which override it. */
  static List<Assignment> assignments(ParseResult parsed) {
    List<Assignment> assignments = new ArrayList<>();
    for (String text : parsed.matchedOptionValue(SET, List.<String>of())) {
      assignments.add(Assignment.parse(text));
    }
    for (Setting setting : Setting.values()) {
      Optional<OptionSpec> matched =
          setting.option().filter(parsed::hasMatchedOption).map(parsed::matchedOption);
      if (matched.isPresent() && setting.kind() == Setting.Kind.FLAG) {
        assignments.add(Assignment.ofOption(setting, "true"));
      } else if (matched.isPresent()) {
        for (String value : matched.get().<List<String>>getValue()) {
          assignments.add(Assignment.ofOption(setting, value));
        }
      }
    }
    return assignments;
  }
}
