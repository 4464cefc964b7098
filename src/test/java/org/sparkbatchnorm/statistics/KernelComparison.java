package org.sparkbatchnorm.statistics;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.sparkbatchnorm.Machine;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Runs {@link KernelBenchmark}: the contestants of a line one after the other, the lines round by
 * round. A figure is the median of a fork's blocks, the best of all rounds.
 */
@Command(
    name = "scripts/bench kernels",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Compares the kernels that sum exactly with loops that sum in doubles: GB/s of blocks of"
            + " 256 KiB, one thread. Naive sums widen halves by the exact kernel's loop.")
final class KernelComparison implements Callable<Integer> {
  @Option(names = "--full", description = "All 192 lines instead of the 12 that bounds are about.")
  private boolean full;

  @Option(
      names = "--lines",
      paramLabel = "REGEX",
      description =
          "The lines that match as a whole, of all that there are: F32 C=64 GAUSSIAN inner=784.")
  private Pattern wanted;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "3",
      description = "How often each is measured. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  /** Runs it. */
  public static void main(String[] arguments) {
    CommandLine line = new CommandLine(new KernelComparison()).setUsageHelpAutoWidth(true);
    System.exit(line.execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    List<KernelLine> lines = KernelLine.all().stream().filter(this::isWanted).toList();
    Map<KernelLine, Map<KernelContestant, Double>> nanos = new HashMap<>();
    for (int round = 1; round <= rounds; round++) {
      for (KernelLine line : lines) {
        System.err.printf("bench: round %d of %d, %s%n", round, rounds, line);
        for (KernelContestant contestant : KernelContestant.values()) {
          nanos
              .computeIfAbsent(line, key -> new EnumMap<>(KernelContestant.class))
              .merge(contestant, medianNanos(line, contestant), Math::min);
        }
      }
    }
    KernelReport report = new KernelReport(lines, nanos);
    System.out.println(report.table());
    System.out.println(report.bounds());
    System.out.println(Machine.describe());
    System.out.println(ExactKernels.ofThisJvm().reason());
    return CommandLine.ExitCode.OK;
  }

  private boolean isWanted(KernelLine line) {
    return wanted == null ? full || line.isTelling() : wanted.matcher(line.toString()).matches();
  }

  private static double medianNanos(KernelLine line, KernelContestant contestant)
      throws RunnerException {
    Options options =
        new OptionsBuilder()
            .include(Pattern.quote(KernelBenchmark.class.getName()))
            .param("contestant", contestant.name())
            .param("dtype", line.dtype().name())
            .param("channels", Integer.toString(line.channels()))
            .param("data", line.data().name())
            .param("inner", Integer.toString(line.inner()))
            .shouldFailOnError(true)
            .build();
    // What a fork has to complain of; figures alone go to stdout.
    OutputFormat log = OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT);
    return new Runner(options, log)
        .runSingle()
        .getPrimaryResult()
        .getStatistics()
        .getPercentile(50);
  }
}
