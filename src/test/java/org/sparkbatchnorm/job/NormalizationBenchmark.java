package org.sparkbatchnorm.job;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.sparkbatchnorm.Machine;
import org.sparkbatchnorm.kernel.NormalizationKernels;
import org.sparkbatchnorm.statistics.ExactKernels;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How fast the local kernel is, in evaluation and in training, beside a copy of the same bytes and
 * PyTorch. All take turns, for many rounds: on a shared machine the ratios of a run mean more than
 * its numbers. The rounds before the first are not counted; in them HotSpot compiles.
 */
@Command(
    name = "scripts/bench eval",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Compares the local kernel with a copy of the same bytes and with PyTorch, on one thread,"
            + " on [64,64,56,56] activations in memory, into an output that is there. This JVM's"
            + " heap lies in huge pages; PyTorch's memory as it comes, and in huge pages too.")
final class NormalizationBenchmark implements Callable<Integer> {
  private static final int WARM_UP_ROUNDS = 3;

  /** Passes of a turn. */
  private static final int PASSES = 5;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "30",
      description = "How often each has its turn. Default: ${DEFAULT-VALUE}.")
  private int rounds;

  @Option(
      names = "--contestants",
      paramLabel = "REGEX",
      defaultValue = ".*",
      description = "Only those whose whole names, as in the table, match.")
  private Pattern wanted;

  @Option(
      names = "--python",
      paramLabel = "PATH",
      defaultValue = "python3",
      description = "One that has torch. Default: ${DEFAULT-VALUE}.")
  private String python;

  @Option(names = "--work", required = true, hidden = true)
  private Path work;

  @Option(names = "--scripts", required = true, hidden = true)
  private Path scripts;

  /** Runs it. */
  public static void main(String[] arguments) {
    CommandLine line = new CommandLine(new NormalizationBenchmark()).setUsageHelpAutoWidth(true);
    System.exit(line.execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    Optional<TorchReference> torch = torch(Map.of());
    NormalizationContestants made = new NormalizationContestants();
    torch.ifPresent(found -> made.addTorch(found, ""));
    torch(Map.of("THP_MEM_ALLOC_ENABLE", "1"))
        .ifPresent(found -> made.addTorch(found, NormalizationContestants.HUGE_PAGES));
    List<NormalizationContestants.Contestant> contestants =
        made.all().stream()
            .filter(contestant -> wanted.matcher(contestant.name()).matches())
            .toList();
    System.err.println("bench: warming up");
    for (int round = 0; round < WARM_UP_ROUNDS; round++) {
      takeTurns(contestants, new ScanScores());
    }
    ScanScores scores = new ScanScores();
    for (int round = 1; round <= rounds; round++) {
      System.err.printf("bench: round %d of %d%n", round, rounds);
      takeTurns(contestants, scores);
    }
    print(scores, torch);
    return CommandLine.ExitCode.OK;
  }

  private Optional<TorchReference> torch(Map<String, String> environment) throws IOException {
    return TorchReference.start(
        python,
        scripts.resolve("lib/torch_normalization.py"),
        List.of(),
        environment,
        NormalizationContestants.BYTES,
        work.resolve("python.log"));
  }

  private static void takeTurns(
      List<NormalizationContestants.Contestant> contestants, ScanScores scores) throws Exception {
    for (NormalizationContestants.Contestant contestant : contestants) {
      for (int pass = 0; pass < PASSES; pass++) {
        scores.add(
            new ScanScores.Line(contestant.name(), contestant.layout(), 1),
            contestant.bytes(),
            contestant.turn().seconds());
      }
    }
  }

  private void print(ScanScores scores, Optional<TorchReference> torch) throws IOException {
    NormalizationReport report = new NormalizationReport(scores);
    System.out.println(
        "[64,64,56,56], F64 [32,64,56,56], one thread; GB/s of input of the best pass, and of the"
            + " middle one, of "
            + rounds * PASSES
            + "\n");
    System.out.println(report.table());
    if (torch.isEmpty()) {
      System.out.println("PyTorch: not measured, as " + python + " has no torch\n");
    }
    System.out.println(report.bounds());
    System.out.println(Machine.describe());
    System.out.println(
        torch.map(found -> found.versions() + "; ").orElse("")
            + NormalizationKernels.ofThisJvm().reason()
            + "; "
            + ExactKernels.ofThisJvm().reason());
  }
}
