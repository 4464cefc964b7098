package org.sparkbatchnorm.cli;

import java.io.PrintWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.sparkbatchnorm.job.Conversion;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code convert}: running statistics into another format or convention. */
@Command(
    name = "convert",
    description =
        "Writes the BatchNorm layers of a checkpoint or model as a new checkpoint, in another"
            + " format or convention, and says what changes. No Spark is started.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class)
final class ConvertCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--convention",
      paramLabel = "NAME",
      description =
          "pytorch, keras, keras-fused, flax or onnx. Default: that of the input, recorded in it or"
              + " told by its format.")
  private String convention;

  @Option(
      names = "--dtype",
      paramLabel = "DTYPE",
      description = "F64, F32, F16 or BF16. Default: the widest of the input.")
  private String dtype;

  @Option(names = "--overwrite", description = "Replace an existing output.")
  private boolean overwrite;

  @Parameters(
      index = "0",
      paramLabel = "IN",
      description = "A checkpoint or a model file, of any format that inspect reads.")
  private String input;

  @Parameters(
      index = "1",
      paramLabel = "OUT",
      description = "The new checkpoint; its name says the format.")
  private String output;

  @Override
  public Integer call() throws Exception {
    List<String> lines =
        new Conversion(
                CurrentFolder.resolve(input),
                CurrentFolder.resolve(output),
                Optional.ofNullable(convention).map(this::convention),
                Optional.ofNullable(dtype).map(this::dtype),
                overwrite ? Overwrite.REPLACE : Overwrite.REFUSE)
            .run(Storage.ofClassPath());
    PrintWriter out = spec.commandLine().getOut();
    lines.forEach(out::println);
    out.flush();
    return Main.DONE;
  }

  private Convention convention(String word) {
    return Convention.ofWord(word)
        .orElseThrow(
            () -> unexpected("--convention " + word, String.join(", ", Convention.words())));
  }

  private DType dtype(String word) {
    return DType.ofName(word)
        .filter(DType::isFloating)
        .orElseThrow(
            () ->
                unexpected(
                    "--dtype " + word,
                    Arrays.stream(DType.values())
                        .filter(DType::isFloating)
                        .map(DType::name)
                        .collect(Collectors.joining(", "))));
  }

  private ParameterException unexpected(String found, String expected) {
    return new ParameterException(spec.commandLine(), found + ": expected one of " + expected);
  }
}
