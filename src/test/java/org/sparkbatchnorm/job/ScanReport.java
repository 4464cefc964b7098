package org.sparkbatchnorm.job;

import static org.sparkbatchnorm.job.ScanContestants.COLD;
import static org.sparkbatchnorm.job.ScanContestants.EXACT;
import static org.sparkbatchnorm.job.ScanContestants.READ_LOOP;
import static org.sparkbatchnorm.job.ScanContestants.SQL;
import static org.sparkbatchnorm.job.ScanContestants.TRAIN_FORWARD;
import static org.sparkbatchnorm.job.ScanContestants.VAR_MEAN;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.sparkbatchnorm.Bounds;
import org.sparkbatchnorm.job.BenchmarkFiles.Form;
import org.sparkbatchnorm.job.ScanScores.Line;
import org.sparkbatchnorm.job.ScanScores.Score;

/** The figures of a {@link ScanBenchmark} as text: a table, and what is asked of them. */
final class ScanReport {
  private final ScanScores scores;
  private final List<Integer> tasks;

  ScanReport(ScanScores scores, List<Integer> tasks) {
    this.scores = scores;
    this.tasks = tasks;
  }

  /** A line for each contestant, those of an input together. */
  String table() {
    List<String> inputs = scores.lines().stream().map(Line::input).distinct().toList();
    List<String> contestants = scores.lines().stream().map(Line::contestant).distinct().toList();
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of("contestant", "input", "tasks", "GB/s", "median", "x var_mean", "x read loop"));
    scores.lines().stream()
        .sorted(
            Comparator.comparingInt((Line line) -> inputs.indexOf(line.input()))
                .thenComparingInt(line -> contestants.indexOf(line.contestant()))
                .thenComparingInt(Line::tasks))
        .forEach(line -> rows.add(row(line, scores.of(line).orElseThrow())));
    return TextTable.of(rows);
  }

  private List<String> row(Line line, Score score) {
    return List.of(
        line.contestant(),
        line.input(),
        Integer.toString(line.tasks()),
        Bounds.number(score.best()),
        Bounds.number(score.median()),
        Bounds.number(score.best() / scores.best(VAR_MEAN, line.tasks())),
        Bounds.number(score.best() / scores.best(READ_LOOP, line.input(), line.tasks())));
  }

  /** What is asked, by number of tasks. */
  String bounds() {
    Bounds bounds =
        Bounds.of("ratio of best turns", tasks.stream().map(t -> Quantity.of(t, "task")).toList());
    for (Form form : Form.values()) {
      String input = form.display();
      if (form.format() == InputFormat.PARQUET) {
        bounds.atLeast(
            input + ", GB/s", each(t -> scores.best(EXACT, input, t)), each(t -> t == 1 ? 1 : 1.5));
      } else {
        addStreamBounds(bounds, input);
      }
    }
    addColdBounds(bounds);
    return bounds.toString();
  }

  private void addStreamBounds(Bounds bounds, String input) {
    IntToDoubleFunction exact = t -> scores.best(EXACT, input, t);
    IntToDoubleFunction ofReadLoop = t -> exact.applyAsDouble(t) / scores.best(READ_LOOP, input, t);
    bounds.atLeast(input + ": exact / read loop", each(ofReadLoop), 0.5);
    bounds.atLeast(input + ": exact / var_mean", over(exact, VAR_MEAN), 8);
    bounds.atLeast(input + ": exact / train-mode forward", over(exact, TRAIN_FORWARD), 3);
    bounds.atLeast(input + ": exact / Spark SQL", over(exact, SQL), 300);
    bounds.atLeast(
        input + ": gain over 1 task / read loop's gain",
        each(t -> t == 1 ? Double.NaN : ofReadLoop.applyAsDouble(t) / ofReadLoop.applyAsDouble(1)),
        0.9);
  }

  /** Of the smallest cold input, and of what a larger one has more. */
  private void addColdBounds(Bounds bounds) {
    List<Line> cold =
        scores.lines().stream().filter(line -> line.contestant().equals(COLD)).toList();
    if (cold.isEmpty()) {
      return;
    }
    Line first = cold.get(0);
    IntToDoubleFunction speed = t -> scores.best(COLD, first.input(), t);
    String input = "cold, " + first.input();
    bounds.atLeast(input + ": exact / var_mean", over(speed, VAR_MEAN), 4);
    bounds.atLeast(input + ": exact / train-mode forward", over(speed, TRAIN_FORWARD), 1.5);
    for (Line larger : cold.subList(1, cold.size())) {
      Score less = scores.of(first).orElseThrow();
      Score more = scores.of(larger).orElseThrow();
      double further =
          (more.bytes() - less.bytes()) / (more.leastSeconds() - less.leastSeconds()) / 1e9;
      bounds.atLeast(
          "cold, every further GB: exact / var_mean",
          over(t -> t == larger.tasks() ? further : Double.NaN, VAR_MEAN),
          8);
    }
  }

  private double[] over(IntToDoubleFunction speed, String contestant) {
    return each(t -> speed.applyAsDouble(t) / scores.best(contestant, t));
  }

  private double[] each(IntToDoubleFunction ofTasks) {
    return tasks.stream().mapToInt(Integer::intValue).mapToDouble(ofTasks).toArray();
  }
}
