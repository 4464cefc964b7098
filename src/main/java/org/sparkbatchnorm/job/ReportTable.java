package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.storage.StoredFile;

/** A report or a plan as a person reads it. */
public final class ReportTable {
  private ReportTable() {}

  /** One line per layer, and below what was read and written, and what is wrong with it. */
  public static String of(RunReport report) {
    List<List<String>> lines = new ArrayList<>();
    lines.add(
        List.of(
            "layer",
            "channels",
            "values/channel",
            "mini-batches",
            "mean",
            "variance",
            "constant",
            "non-finite"));
    String estimator = report.estimators().get(0);
    for (RunReport.Layer layer : report.layers()) {
      RunningStatistics statistics = layer.statistics().get(estimator);
      lines.add(
          List.of(
              Printable.escape(layer.name()),
              Integer.toString(layer.channels()),
              NumberRange.of(layer.counts()),
              Long.toString(layer.moments().miniBatches()),
              NumberRange.of(statistics.mean()),
              NumberRange.of(statistics.variance()),
              Integer.toString(layer.constantChannels()),
              Long.toString(layer.moments().pooled().nonFinite().total())));
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
