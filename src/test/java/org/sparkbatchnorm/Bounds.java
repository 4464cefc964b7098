package org.sparkbatchnorm;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleBinaryOperator;
import java.util.stream.IntStream;
import org.sparkbatchnorm.job.TextTable;

/**
 * What is asked of a benchmark's figures, and whether they do: a line for each figure, a column for
 * each case that it is measured in. NaN stands for what was not measured.
 */
public final class Bounds {
  private final int cases;
  private final List<List<String>> rows = new ArrayList<>();

  private Bounds(int cases) {
    this.cases = cases;
  }

  /** Without a line yet. */
  public static Bounds of(String heading, List<String> cases) {
    Bounds bounds = new Bounds(cases.size());
    List<String> row = new ArrayList<>(List.of(heading));
    row.addAll(cases);
    row.addAll(List.of("bound", ""));
    bounds.rows.add(row);
    return bounds;
  }

  /**
   * Asks for a figure of at least this much.
   *
   * @param figures for each case
   * @param bounds one for all cases, or one for each
   */
  public void atLeast(String what, double[] figures, double... bounds) {
    add(what, figures, bounds, ">= ", (figure, bound) -> figure - bound);
  }

  /** Asks for a figure of at most this much. */
  public void atMost(String what, double[] figures, double... bounds) {
    add(what, figures, bounds, "<= ", (figure, bound) -> bound - figure);
  }

  private void add(
      String what, double[] figures, double[] bounds, String sign, DoubleBinaryOperator margin) {
    double[] each = bounds.length == 1 ? filled(bounds[0]) : bounds;
    int[] measured = IntStream.range(0, cases).filter(i -> !Double.isNaN(figures[i])).toArray();
    if (measured.length == 0) {
      return;
    }
    List<String> row = new ArrayList<>(List.of(what));
    Arrays.stream(figures).mapToObj(Bounds::number).forEach(row::add);
    List<String> texts =
        Arrays.stream(bounds)
            .mapToObj(bound -> BigDecimal.valueOf(bound).stripTrailingZeros().toPlainString())
            .toList();
    row.add(sign + String.join(", ", texts));
    boolean met =
        IntStream.of(measured).allMatch(i -> margin.applyAsDouble(figures[i], each[i]) >= 0);
    row.add(met ? "met" : "not met");
    rows.add(row);
  }

  private double[] filled(double bound) {
    double[] each = new double[cases];
    Arrays.fill(each, bound);
    return each;
  }

  @Override
  public String toString() {
    return TextTable.of(rows);
  }

  /** A figure in three digits or so; a dash where there is none. */
  public static String number(double value) {
    if (Double.isNaN(value)) {
      return "-";
    }
    int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3;
    return String.format(Locale.ROOT, "%." + decimals + "f", value);
  }
}
