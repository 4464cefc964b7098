package org.sparkbatchnorm.cli;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.sparkbatchnorm.job.JobFile;
import org.sparkbatchnorm.job.JobPlan;
import org.sparkbatchnorm.job.JobSpec;
import org.sparkbatchnorm.job.ReportJson;
import org.sparkbatchnorm.job.ReportTable;
import org.sparkbatchnorm.job.RunReport;
import org.sparkbatchnorm.job.Setting;
import org.sparkbatchnorm.job.SparkRun;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code recalibrate}: activations to statistics to a checkpoint, on Spark. */
@Command(
    name = "recalibrate",
    description = "Reads activations on Spark and writes a checkpoint of running statistics.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class RecalibrateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(
      arity = "0..1",
      paramLabel = "JOB.yaml",
      description = "Job file; options override what it says.")
  private String jobFile;

  @Option(names = "--dry-run", description = "Print what would be read; write nothing.")
  private boolean dryRun;

  @Option(names = "--json", description = "Print one JSON document instead of a table.")
  private boolean json;

  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new RecalibrateCommand());
    SettingOptions.addTo(line.getCommandSpec(), Arrays.asList(Setting.values()));
    SettingOptions.addSetTo(line.getCommandSpec());
    return line;
  }

  @Override
  public Integer call() throws Exception {
    Optional<JobFile> file = Optional.ofNullable(jobFile).map(JobFileLocation::read);
    JobSpec job =
        JobSpec.parse(
            file,
            SettingOptions.assignments(spec.commandLine().getParseResult()),
            CurrentFolder.uri());
    PrintWriter out = spec.commandLine().getOut();
    if (dryRun) {
      JobPlan plan = SparkRun.plan(job);
      out.print(json ? ReportJson.of(plan) + "\n" : ReportTable.of(plan));
    } else {
      RunReport report = SparkRun.recalibrate(job);
      out.print(json ? ReportJson.of(report) + "\n" : ReportTable.of(report));
    }
    out.flush();
    return Main.DONE;
  }
}
