package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.storage.StoredFile;

/** A report or a plan as a person reads it. */
public final class ReportTable {
  private ReportTable() {}

  /** One line per layer, and below what was read and written, and what is wrong with it. */
  public static String of(RunReport report) {
    String estimator = report.estimators().get(0);
    List<String> variances = variances(report);
    List<List<String>> lines = new ArrayList<>();
    List<String> titles =
        new ArrayList<>(List.of("layer", "channels", "values/channel", "mini-batches", "mean"));
    for (String name : variances) {
      titles.add(variances.size() == 1 ? "variance" : "variance by " + name);
    }
    titles.addAll(List.of("constant", "non-finite"));
    lines.add(titles);
    for (RunReport.Layer layer : report.layers()) {
      List<String> line =
          new ArrayList<>(
              List.of(
                  Printable.escape(layer.name()),
                  Integer.toString(layer.channels()),
                  NumberRange.of(layer.counts()),
                  Long.toString(layer.moments().miniBatches()),
                  NumberRange.of(layer.statistics().get(estimator).mean())));
      for (String name : variances) {
        line.add(
            Optional.ofNullable(layer.statistics().get(name))
                .or(() -> layer.sideBySide().get(name))
                .map(statistics -> NumberRange.of(statistics.variance()))
                .orElse("-"));
      }
      line.add(Integer.toString(layer.constantChannels()));
      line.add(Long.toString(layer.moments().pooled().nonFinite().total()));
      lines.add(line);
    }
    return TextTable.of(lines)
        + String.format(
            Locale.ROOT,
            "%nscanned %s in %s: %.2f s, %s/s; %.1f s in all%n",
            ByteCount.text(report.input().bytes()),
            Quantity.of(report.input().files(), "file"),
            report.seconds().scan(),
            ByteCount.text(
                (long) (report.input().bytes() / Math.max(report.seconds().scan(), 1e-9))),
            report.seconds().total())
        + String.format(
            Locale.ROOT,
            "wrote %s: %s, %s, epsilon %s%n",
            Printable.escape(StoredFile.display(report.checkpoint())),
            estimator,
            report.dtype(),
            report.epsilon())
        + report.fingerprint().map(hex -> "fingerprint " + hex + "\n").orElse("")
        + report.warnings().stream()
            .map(warning -> "warning: " + warning + "\n")
            .collect(Collectors.joining());
  }

  /** The estimators whose variances are shown: the checkpoint's, and those to compare it with. */
  private static List<String> variances(RunReport report) {
    Set<String> names = new LinkedHashSet<>(List.of(report.estimators().get(0)));
    report.layers().forEach(layer -> names.addAll(layer.sideBySide().keySet()));
    return List.copyOf(names);
  }

  /** One line per layer, and one below with the totals. */
  public static String of(JobPlan plan) {
    List<List<String>> lines = new ArrayList<>();
    lines.add(List.of("layer", "channels", "tensors", "values/channel"));
    for (JobPlan.Layer layer : plan.layers()) {
      lines.add(
          List.of(
              Printable.escape(layer.name()),
              Integer.toString(layer.channels()),
              Long.toString(layer.tensors()),
              Long.toString(layer.valuesPerChannel())));
    }
    return TextTable.of(lines) + "\n" + plan.summary() + "; only headers were read\n";
  }
}
