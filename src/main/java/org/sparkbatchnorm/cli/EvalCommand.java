package org.sparkbatchnorm.cli;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.sparkbatchnorm.job.Evaluation;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.ChannelLayout;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code eval}: one BatchNorm layer over an npy file. */
@Command(
    name = "eval",
    description =
        "Normalizes an .npy file with a layer of a checkpoint, without starting Spark:"
            + " y = weight * (x - mean) / sqrt(variance + epsilon) + bias.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class EvalCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "FILE",
      description = "A safetensors checkpoint of running statistics.")
  private String checkpoint;

  @Option(
      names = "--layer",
      paramLabel = "NAME",
      description = "Which layer; may be left out when there is one.")
  private String layer;

  @Option(
      names = "--epsilon",
      paramLabel = "NUMBER",
      description = "Added to the variance. Default: the checkpoint's, else 1e-5.")
  private Double epsilon;

  @Option(
      names = "--layout",
      paramLabel = "LAYOUT",
      defaultValue = "channels-first",
      description =
          "channels-first, channels-last, or NC NCL NLC NCHW NHWC NCDHW NDHWC. Default:"
              + " ${DEFAULT-VALUE}.")
  private String layout;

  @Option(names = "--overwrite", description = "Replace an existing output.")
  private boolean overwrite;

  @Parameters(index = "0", paramLabel = "IN.npy", description = "Activations.")
  private String input;

  @Parameters(
      index = "1",
      paramLabel = "OUT.npy",
      description = "The result, of the input's type, shape and order.")
  private String output;

  @Override
  public Integer call() throws Exception {
    if (epsilon != null && (!Double.isFinite(epsilon) || epsilon < 0)) {
      throw new ParameterException(
          spec.commandLine(), "--epsilon " + epsilon + ": expected a finite number of 0 or more");
    }
    new Evaluation(
            CurrentFolder.resolve(checkpoint),
            Optional.ofNullable(layer),
            epsilon == null ? OptionalDouble.empty() : OptionalDouble.of(epsilon),
            layout(),
            CurrentFolder.resolve(input),
            CurrentFolder.resolve(output),
            overwrite ? Overwrite.REPLACE : Overwrite.REFUSE)
        .run(Storage.ofClassPath());
    return Main.DONE;
  }

  private ChannelLayout layout() {
    return ChannelLayout.ofWord(layout)
        .orElseThrow(
            () ->
                new ParameterException(
                    spec.commandLine(),
                    "--layout " + layout + ": expected one of " + ChannelLayout.words()));
  }
}
