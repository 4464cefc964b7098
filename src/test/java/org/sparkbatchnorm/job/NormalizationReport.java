package org.sparkbatchnorm.job;

import static org.sparkbatchnorm.job.NormalizationContestants.COPY;
import static org.sparkbatchnorm.job.NormalizationContestants.EVAL;
import static org.sparkbatchnorm.job.NormalizationContestants.LAYOUTS;
import static org.sparkbatchnorm.job.NormalizationContestants.MODULE;
import static org.sparkbatchnorm.job.NormalizationContestants.PREALLOCATED;
import static org.sparkbatchnorm.job.NormalizationContestants.TORCH;
import static org.sparkbatchnorm.job.NormalizationContestants.TRAIN;

import java.util.ArrayList;
import java.util.List;
import org.sparkbatchnorm.Bounds;
import org.sparkbatchnorm.job.ScanScores.Line;
import org.sparkbatchnorm.job.ScanScores.Score;

/** The figures of a {@link NormalizationBenchmark} as text: a table, and what is asked of them. */
final class NormalizationReport {
  private final ScanScores scores;

  NormalizationReport(ScanScores scores) {
    this.scores = scores;
  }

  /** A line for each contestant. */
  String table() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of("contestant", "NCHW", "median", "NHWC", "median", "NCHW / copy", "NHWC / copy"));
    for (String name : scores.lines().stream().map(Line::contestant).distinct().toList()) {
      List<String> row = new ArrayList<>(List.of(name));
      for (String layout : LAYOUTS) {
        row.add(Bounds.number(best(name, layout)));
        row.add(
            Bounds.number(
                scores.of(new Line(name, layout, 1)).map(Score::median).orElse(Double.NaN)));
      }
      for (double ratio : ratios(name, COPY)) {
        row.add(Bounds.number(ratio));
      }
      rows.add(row);
    }
    return TextTable.of(rows);
  }

  private double best(String name, String layout) {
    return scores.best(name, layout, 1);
  }

  private double[] ratios(String name, String other) {
    return LAYOUTS.stream()
        .mapToDouble(layout -> best(name, layout) / best(other, layout))
        .toArray();
  }

  /** What is asked, by layout. */
  String bounds() {
    Bounds bounds = Bounds.of("ratio of best passes", LAYOUTS);
    bounds.atLeast("eval / array copy", ratios(EVAL, COPY), 0.85);
    bounds.atLeast(
        "eval / PyTorch, preallocated", ratios(EVAL, TORCH + "eval" + PREALLOCATED), 0.85);
    bounds.atLeast("eval / PyTorch, module(x)", ratios(EVAL, TORCH + "eval" + MODULE), 4);
    bounds.atLeast(
        "train / PyTorch, preallocated", ratios(TRAIN, TORCH + "train" + PREALLOCATED), 2.5, 1);
    return bounds.toString();
  }
}
