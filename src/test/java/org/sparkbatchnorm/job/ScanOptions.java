package org.sparkbatchnorm.job;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** What a user may choose of a {@link ScanBenchmark}. */
final class ScanOptions {
  @Option(
      names = "--size",
      paramLabel = "N",
      defaultValue = "2GiB",
      converter = ByteSize.class,
      description = "How much is read, to whole files of 257 MB. Default: ${DEFAULT-VALUE}.")
  long size;

  @Option(
      names = "--tasks",
      paramLabel = "N",
      split = ",",
      defaultValue = "1,2",
      converter = Positive.class,
      description = "How many read at a time. Default: ${DEFAULT-VALUE}.")
  List<Integer> tasks;

  @Option(
      names = "--formats",
      paramLabel = "F",
      split = ",",
      defaultValue = "safetensors,npy,parquet",
      converter = Format.class,
      description = "Which formats are read. Default: ${DEFAULT-VALUE}.")
  List<InputFormat> formats;

  @Option(
      names = "--contestants",
      paramLabel = "REGEX",
      defaultValue = ".*",
      description = "Only those whose whole names, as in the table, match.")
  private Pattern contestants;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "3",
      converter = Positive.class,
      description = "How often each is measured. Default: ${DEFAULT-VALUE}.")
  int rounds;

  @Option(
      names = "--sql-size",
      paramLabel = "N",
      defaultValue = "256MiB",
      converter = ByteSize.class,
      description = "How much Spark SQL reads. Default: ${DEFAULT-VALUE}.")
  long sqlSize;

  @Option(
      names = "--cold-size",
      paramLabel = "N",
      defaultValue = "4GiB",
      converter = ByteSize.class,
      description = "How much the launcher reads. Default: ${DEFAULT-VALUE}.")
  long coldSize;

  @Option(
      names = "--marginal",
      description = "Also has the launcher read twice as much: what does the second half cost?")
  boolean marginal;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Keeps the input there, and finds it there in the next run.")
  Path data;

  @Option(
      names = "--python",
      paramLabel = "PATH",
      defaultValue = "python3",
      description = "One that has numpy and torch. Default: ${DEFAULT-VALUE}.")
  String python;

  @Option(names = "--work", required = true, hidden = true)
  Path work;

  @Option(names = "--scripts", required = true, hidden = true)
  Path scripts;

  int mostTasks() {
    return Collections.max(tasks);
  }

  boolean isWanted(String contestant) {
    return contestants.matcher(contestant).matches();
  }

  /** As in {@code input.split-size}. */
  private static final class ByteSize implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      try {
        return new SettingText("size", text, "command line").bytes();
      } catch (JobSpecException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  private static final class Positive implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      if (!text.matches("[1-9][0-9]{0,5}")) {
        throw new TypeConversionException("found " + text + "; expected a whole number above 0");
      }
      return Integer.valueOf(text);
    }
  }

  private static final class Format implements ITypeConverter<InputFormat> {
    @Override
    public InputFormat convert(String word) {
      return Arrays.stream(InputFormat.values())
          .filter(format -> format.word().equals(word))
          .findFirst()
          .orElseThrow(
              () ->
                  new TypeConversionException(
                      "found " + word + "; expected safetensors, npy or parquet"));
    }
  }
}
