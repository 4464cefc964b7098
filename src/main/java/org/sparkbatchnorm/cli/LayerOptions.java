package org.sparkbatchnorm.cli;

import java.util.Optional;
import java.util.OptionalDouble;
import org.sparkbatchnorm.job.LayerRequest;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.tensor.ChannelLayout;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What {@code eval} and {@code train} have in common: one layer over an npy file. */
final class LayerOptions {
  /** The command that these are mixed into. */
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "FILE",
      description = "A checkpoint of running statistics, or a model.")
  private String checkpoint;

  @Option(
      names = "--layer",
      paramLabel = "NAME",
      description = "Which layer; may be left out when there is one.")
  private String layer;

  @Option(
      names = "--convention",
      paramLabel = "NAME",
      description =
          "pytorch, keras, keras-fused, flax or onnx. Default: what the checkpoint records, else"
              + " that of its format, pytorch for safetensors.")
  private String convention;

  @Option(
      names = "--epsilon",
      paramLabel = "NUMBER",
      description =
          "Added to the variance. Default: that of --convention, else the checkpoint's, else that"
              + " of its format, 1e-5 for safetensors.")
  private Double epsilon;

  @Option(
      names = "--layout",
      paramLabel = "LAYOUT",
      defaultValue = "channels-first",
      description =
          "channels-first, channels-last, or NC NCL NLC NCHW NHWC NCDHW NDHWC. Default:"
              + " ${DEFAULT-VALUE}.")
  private String layout;

  @Option(names = "--overwrite", description = "Replace existing outputs.")
  private boolean overwrite;

  @Parameters(index = "0", paramLabel = "IN.npy", description = "Activations.")
  private String input;

  @Parameters(
      index = "1",
      paramLabel = "OUT.npy",
      description = "The result, of the input's type, shape and order.")
  private String output;

  /** Which layer, and how it is used. */
  LayerRequest layer() {
    if (epsilon != null && (!Double.isFinite(epsilon) || epsilon < 0)) {
      throw wrong("--epsilon " + epsilon + ": expected a finite number of 0 or more");
    }
    return new LayerRequest(
        CurrentFolder.resolve(checkpoint),
        Optional.ofNullable(layer),
        epsilon == null ? OptionalDouble.empty() : OptionalDouble.of(epsilon),
        Optional.ofNullable(convention).map(this::convention));
  }

  private Convention convention(String word) {
    return Convention.ofWord(word)
        .orElseThrow(
            () ->
                wrong(
                    "--convention "
                        + word
                        + ": expected one of "
                        + String.join(", ", Convention.words())));
  }

  ChannelLayout layout() {
    return ChannelLayout.ofWord(layout)
        .orElseThrow(
            () -> wrong("--layout " + layout + ": expected one of " + ChannelLayout.words()));
  }

  String input() {
    return CurrentFolder.resolve(input);
  }

  String output() {
    return CurrentFolder.resolve(output);
  }

  Overwrite overwrite() {
    return overwrite ? Overwrite.REPLACE : Overwrite.REFUSE;
  }

  /** What the user wrote means nothing. */
  ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }
}
