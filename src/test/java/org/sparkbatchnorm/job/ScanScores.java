package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** How long every contestant's turns took. */
final class ScanScores {
  private final Map<Line, Score> scores = new LinkedHashMap<>();

  /**
   * Who was measured.
   *
   * @param contestant its name
   * @param input what it read
   * @param tasks at the same time
   */
  record Line(String contestant, String input, int tasks) {}

  /**
   * Its turns.
   *
   * @param bytes of each
   * @param seconds of each, at least one
   */
  record Score(long bytes, List<Double> seconds) {
    /** Of the fastest turn. */
    double leastSeconds() {
      return Collections.min(seconds);
    }

    /** Of the fastest turn, in GB/s. */
    double best() {
      return bytes / leastSeconds() / 1e9;
    }

    /** Of the middle turn, or the mean of the two, in GB/s. */
    double median() {
      List<Double> sorted = seconds.stream().sorted().toList();
      int n = sorted.size();
      return bytes / ((sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2) / 1e9;
    }
  }

  void add(Line line, long bytes, double seconds) {
    scores.computeIfAbsent(line, key -> new Score(bytes, new ArrayList<>())).seconds().add(seconds);
  }

  /** In the order of their first turns. */
  List<Line> lines() {
    return List.copyOf(scores.keySet());
  }

  /** Nothing for who had no turn. */
  Optional<Score> of(Line line) {
    return Optional.ofNullable(scores.get(line));
  }

  /** GB/s of the best turn of who reads one input only; NaN for who had none. */
  double best(String contestant, int tasks) {
    return lines().stream()
        .filter(line -> line.contestant().equals(contestant) && line.tasks() == tasks)
        .mapToDouble(line -> scores.get(line).best())
        .findFirst()
        .orElse(Double.NaN);
  }

  /** GB/s of the best turn; NaN for who had none. */
  double best(String contestant, String input, int tasks) {
    return of(new Line(contestant, input, tasks)).map(Score::best).orElse(Double.NaN);
  }
}
