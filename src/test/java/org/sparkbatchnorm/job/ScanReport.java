package org.sparkbatchnorm.job;

import static org.sparkbatchnorm.job.ScanContestants.COLD;
import static org.sparkbatchnorm.job.ScanContestants.EXACT;
import static org.sparkbatchnorm.job.ScanContestants.READ_LOOP;
import static org.sparkbatchnorm.job.ScanContestants.SQL;
import static org.sparkbatchnorm.job.ScanContestants.TRAIN_FORWARD;
import static org.sparkbatchnorm.job.ScanContestants.VAR_MEAN;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.sparkbatchnorm.job.BenchmarkFiles.Form;
import org.sparkbatchnorm.job.ScanScores.Line;
import org.sparkbatchnorm.job.ScanScores.Score;

/** The figures of a {@link ScanBenchmark} as text: a table, and what is asked of them. */
final class ScanReport {
  private final ScanScores scores;
  private final List<Integer> tasks;
  private final List<List<String>> bounds = new ArrayList<>();

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
        number(score.best()),
        number(score.median()),
        number(score.best() / scores.best(VAR_MEAN, line.tasks())),
        number(score.best() / scores.best(READ_LOOP, line.input(), line.tasks())));
  }

  /** What is asked, the figure for each number of tasks, and whether they do. */
  String bounds() {
    List<String> heading = new ArrayList<>(List.of("ratio of best turns"));
    tasks.forEach(t -> heading.add(Quantity.of(t, "task")));
    heading.addAll(List.of("bound", ""));
    bounds.clear();
    bounds.add(heading);
    for (Form form : Form.values()) {
      String input = form.display();
      if (form.format() == InputFormat.PARQUET) {
        addBound(input + ", GB/s", t -> scores.best(EXACT, input, t), t -> t == 1 ? 1 : 1.5);
      } else {
        addStreamBounds(input);
      }
    }
    addColdBounds();
    return TextTable.of(bounds);
  }

  private void addStreamBounds(String input) {
    IntToDoubleFunction exact = t -> scores.best(EXACT, input, t);
    IntToDoubleFunction ofReadLoop = t -> exact.applyAsDouble(t) / scores.best(READ_LOOP, input, t);
    addBound(input + ": exact / read loop", ofReadLoop, 0.5);
    addBound(input + ": exact / var_mean", over(exact, VAR_MEAN), 8);
    addBound(input + ": exact / train-mode forward", over(exact, TRAIN_FORWARD), 3);
    addBound(input + ": exact / Spark SQL", over(exact, SQL), 300);
    addBound(
        input + ": gain over 1 task / read loop's gain",
        t -> t == 1 ? Double.NaN : ofReadLoop.applyAsDouble(t) / ofReadLoop.applyAsDouble(1),
        0.9);
  }

  private IntToDoubleFunction over(IntToDoubleFunction speed, String contestant) {
    return t -> speed.applyAsDouble(t) / scores.best(contestant, t);
  }

  /** Of the smallest cold input, and of what a larger one has more. */
  private void addColdBounds() {
    List<Line> cold =
        scores.lines().stream().filter(line -> line.contestant().equals(COLD)).toList();
    if (cold.isEmpty()) {
      return;
    }
    Line first = cold.get(0);
    IntToDoubleFunction speed = t -> scores.best(COLD, first.input(), t);
    addBound("cold, " + first.input() + ": exact / var_mean", over(speed, VAR_MEAN), 4);
    addBound(
        "cold, " + first.input() + ": exact / train-mode forward", over(speed, TRAIN_FORWARD), 1.5);
    for (Line larger : cold.subList(1, cold.size())) {
      Score less = scores.of(first).orElseThrow();
      Score more = scores.of(larger).orElseThrow();
      double further =
          (more.bytes() - less.bytes()) / (more.leastSeconds() - less.leastSeconds()) / 1e9;
      addBound(
          "cold, every further GB: exact / var_mean",
          over(t -> t == larger.tasks() ? further : Double.NaN, VAR_MEAN),
          8);
    }
  }

  private void addBound(String what, IntToDoubleFunction figure, double bound) {
    addBound(what, figure, t -> bound);
  }

  /** Nothing where nothing was measured. */
  private void addBound(String what, IntToDoubleFunction figure, IntToDoubleFunction bound) {
    int[] measured =
        tasks.stream()
            .mapToInt(Integer::intValue)
            .filter(t -> !Double.isNaN(figure.applyAsDouble(t)))
            .toArray();
    if (measured.length == 0) {
      return;
    }
    List<String> row = new ArrayList<>(List.of(what));
    tasks.forEach(t -> row.add(number(figure.applyAsDouble(t))));
    row.add(
        ">= "
            + String.join(
                ", ",
                IntStream.of(measured)
                    .mapToObj(
                        t ->
                            BigDecimal.valueOf(bound.applyAsDouble(t))
                                .stripTrailingZeros()
                                .toPlainString())
                    .distinct()
                    .toList()));
    row.add(
        IntStream.of(measured).allMatch(t -> figure.applyAsDouble(t) >= bound.applyAsDouble(t))
            ? "met"
            : "not met");
    bounds.add(row);
  }

  /** Two digits or more; a dash where there is no number. */
  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "-";
    }
    int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 4;
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
