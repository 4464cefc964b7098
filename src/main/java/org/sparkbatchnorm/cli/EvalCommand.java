package org.sparkbatchnorm.cli;

import java.util.concurrent.Callable;
import org.sparkbatchnorm.job.Evaluation;
import org.sparkbatchnorm.storage.Storage;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code eval}: one BatchNorm layer over an npy file. */
@Command(
    name = "eval",
    description =
        "Normalizes an .npy file with a layer of a checkpoint, without starting Spark:"
            + " y = weight * (x - mean) / sqrt(variance + epsilon) + bias.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class EvalCommand implements Callable<Integer> {
  @Mixin private LayerOptions options;

  @Override
  public Integer call() throws Exception {
    new Evaluation(
            options.layer(),
            options.layout(),
            options.input(),
            options.output(),
            options.overwrite())
        .run(Storage.ofClassPath());
    return Main.DONE;
  }
}
