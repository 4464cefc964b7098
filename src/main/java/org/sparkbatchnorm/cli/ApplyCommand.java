package org.sparkbatchnorm.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.sparkbatchnorm.job.JobSpec;
import org.sparkbatchnorm.job.ModelUpdate;
import org.sparkbatchnorm.job.Setting;
import org.sparkbatchnorm.storage.Storage;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code apply}: saved statistics into a copy of a model. */
@Command(
    name = "apply",
    description =
        "Writes a copy of a model file in which only the running statistics are new, from saved"
            + " statistics, without starting Spark.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class ApplyCommand implements Callable<Integer> {
  private static final List<Setting> SETTINGS =
      List.of(Setting.CHECKPOINT_MODEL, Setting.CHECKPOINT_PATH, Setting.CHECKPOINT_OVERWRITE);

  @Spec private CommandSpec spec;

  @Option(
      names = "--statistics",
      required = true,
      paramLabel = "FILE",
      description = "A checkpoint of running statistics, as recalibrate writes it.")
  private String statistics;

  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new ApplyCommand());
    SettingOptions.addTo(line.getCommandSpec(), SETTINGS);
    SettingOptions.addSetTo(
        line.getCommandSpec(),
        "checkpoint.names.LAYER=MODEL-LAYER or checkpoint.state-dict=KEY; repeatable.");
    return line;
  }

  @Override
  public Integer call() throws Exception {
    JobSpec.Output output =
        JobSpec.parseModelCopy(
            SettingOptions.assignments(spec.commandLine().getParseResult()), CurrentFolder.uri());
    List<String> lines =
        new ModelUpdate(CurrentFolder.resolve(statistics), output).run(Storage.ofClassPath());
    PrintWriter out = spec.commandLine().getOut();
    lines.forEach(out::println);
    out.flush();
    return Main.DONE;
  }
}
