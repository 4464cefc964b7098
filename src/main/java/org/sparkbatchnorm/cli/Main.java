package org.sparkbatchnorm.cli;

import java.io.PrintWriter;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.job.JobSpecException;
import org.sparkbatchnorm.job.ProductVersion;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** The entry point of every command. */
@Command(
    name = "spark-batchnorm",
    description = "Recomputes the population statistics of BatchNorm layers from activations.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
public final class Main implements Runnable {
  static final int DONE = 0;
  static final int INTERNAL_ERROR = 1;
  static final int USAGE = 2;
  static final int BAD_DATA = 3;
  static final int NOT_COMMITTED = 4;

  @Spec private CommandSpec spec;

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] arguments) {
    int exitCode = commandLine().execute(arguments);
    // On YARN in cluster mode an exit before the end of main counts as a failure, whatever its
    // code.
    if (exitCode != DONE) {
      System.exit(exitCode);
    }
  }

  /** All commands, ready to execute; stdout and stderr can be replaced. */
  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Main());
    line.addSubcommand(RecalibrateCommand.commandLine());
    line.addSubcommand(new EvalCommand());
    line.addSubcommand(new TrainCommand());
    line.addSubcommand(InspectCommand.commandLine());
    line.addSubcommand(ApplyCommand.commandLine());
    line.addSubcommand(new ConvertCommand());
    line.setExecutionExceptionHandler(Main::report);
    line.setParameterExceptionHandler(
        (exception, arguments) -> {
          CommandLine command = exception.getCommandLine();
          command.getErr().println("error: " + exception.getMessage());
          CommandLine.UnmatchedArgumentException.printSuggestions(exception, command.getErr());
          command.getErr().println("see " + command.getCommandSpec().qualifiedName() + " --help");
          return USAGE;
        });
    line.setUsageHelpAutoWidth(true);
    return line;
  }

  private static int report(Exception exception, CommandLine command, ParseResult parsed) {
    int exitCode = exitCode(exception);
    PrintWriter err = command.getErr();
    if (exitCode == INTERNAL_ERROR) {
      exception.printStackTrace(err);
      err.flush();
    } else {
      err.println("error: " + exception.getMessage());
    }
    return exitCode;
  }

  private static int exitCode(Exception exception) {
    if (exception instanceof JobSpecException || exception instanceof OutputExistsException) {
      return USAGE;
    }
    if (exception instanceof MalformedFileException) {
      return BAD_DATA;
    }
    return exception instanceof CommitException ? NOT_COMMITTED : INTERNAL_ERROR;
  }

  /** Without a command: the help, as an error. */
  @Override
  public void run() {
    throw new CommandLine.ParameterException(
        spec.commandLine(),
        "a command is needed: recalibrate, eval, train, inspect, apply or convert");
  }

  /** {@code --version}. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"spark-batchnorm " + ProductVersion.text()};
    }
  }
}
