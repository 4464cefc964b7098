package org.sparkbatchnorm.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.sparkbatchnorm.job.Assignment;
import org.sparkbatchnorm.job.Inspection;
import org.sparkbatchnorm.job.InspectionJson;
import org.sparkbatchnorm.job.InspectionTable;
import org.sparkbatchnorm.job.Inspector;
import org.sparkbatchnorm.job.JobSpec;
import org.sparkbatchnorm.job.Setting;
import org.sparkbatchnorm.storage.Storage;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code inspect}: what is in a checkpoint or in activations. */
@Command(
    name = "inspect",
    description = "Shows what is in a checkpoint, or in activations, without starting Spark.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class InspectCommand implements Callable<Integer> {
  private static final List<Setting> SETTINGS =
      List.of(
          Setting.INPUT_FORMAT,
          Setting.INPUT_LAYOUT,
          Setting.INPUT_LAYER_PATTERN,
          Setting.INPUT_LAYERS);

  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE_OR_FOLDER", description = "A file, a folder, or a glob.")
  private String path;

  @Option(names = "--json", description = "Print one JSON document instead of a table.")
  private boolean json;

  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new InspectCommand());
    SettingOptions.addTo(line.getCommandSpec(), SETTINGS);
    return line;
  }

  @Override
  public Integer call() throws Exception {
    List<Assignment> assignments =
        new ArrayList<>(SettingOptions.assignments(spec.commandLine().getParseResult()));
    assignments.add(Assignment.ofOption(Setting.INPUT_PATHS, path));
    JobSpec.Input input = JobSpec.parseInput(assignments, CurrentFolder.uri());
    Inspection inspection = new Inspector(Storage.ofClassPath()).inspect(input);
    PrintWriter out = spec.commandLine().getOut();
    out.print(json ? InspectionJson.of(inspection) + "\n" : InspectionTable.of(inspection));
    out.flush();
    return Main.DONE;
  }
}
