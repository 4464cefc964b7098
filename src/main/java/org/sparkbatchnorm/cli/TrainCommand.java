package org.sparkbatchnorm.cli;

import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.sparkbatchnorm.job.Training;
import org.sparkbatchnorm.storage.Storage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code train}: one BatchNorm layer over an npy file that is a mini-batch. */
@Command(
    name = "train",
    description =
        "Normalizes an .npy file, one mini-batch, by its own mean and biased variance, and saves a"
            + " copy of the checkpoint with the layer's running statistics after it. No Spark is"
            + " started.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class TrainCommand implements Callable<Integer> {
  private static final Pattern NUMBER =
      Pattern.compile("[+-]?([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([eE][+-]?[0-9]+)?");

  @Mixin private LayerOptions options;

  @Option(
      names = "--save-checkpoint",
      required = true,
      paramLabel = "FILE",
      description = "The copy of the checkpoint, of the same format.")
  private String savedCheckpoint;

  @Option(
      names = "--momentum",
      paramLabel = "M",
      description =
          "In the convention's own meaning: pytorch's is the weight of the new value, the others'"
              + " that of the old one; none is the cumulative average. Default: the convention's.")
  private String momentum;

  @Option(
      names = "--mask",
      paramLabel = "MASK.npy",
      description =
          "Which positions count in mean and variance, those that are true or not 0: of the"
              + " activations' shape without the axis of the channels.")
  private String mask;

  @Override
  public Integer call() throws Exception {
    new Training(
            options.layer(),
            Optional.ofNullable(momentum).map(this::momentum),
            Optional.ofNullable(mask).map(CurrentFolder::resolve),
            options.layout(),
            options.input(),
            options.output(),
            CurrentFolder.resolve(savedCheckpoint),
            options.overwrite())
        .run(Storage.ofClassPath());
    return Main.DONE;
  }

  private Training.Momentum momentum(String text) {
    if (text.equals("none")) {
      return new Training.Momentum(OptionalDouble.empty());
    }
    if (NUMBER.matcher(text).matches()) {
      double number = Double.parseDouble(text);
      if (number >= 0 && number <= 1) {
        return new Training.Momentum(OptionalDouble.of(number));
      }
    }
    throw options.wrong("--momentum " + text + ": expected a number between 0 and 1, or none");
  }
}
