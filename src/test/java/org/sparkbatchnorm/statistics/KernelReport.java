package org.sparkbatchnorm.statistics;

import static org.sparkbatchnorm.statistics.KernelContestant.EXACT_VECTOR;
import static org.sparkbatchnorm.statistics.KernelContestant.NAIVE_SCALAR;
import static org.sparkbatchnorm.statistics.KernelContestant.NAIVE_VECTOR;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.Bounds;
import org.sparkbatchnorm.job.TextTable;
import org.sparkbatchnorm.tensor.DType;

/** The figures of a {@link KernelComparison} as text: a table, and what is asked of them. */
final class KernelReport {
  private final List<KernelLine> lines;
  private final Map<KernelLine, Map<KernelContestant, Double>> nanos;

  /**
   * Figures to be shown.
   *
   * @param nanos that each contestant took for a block
   */
  KernelReport(List<KernelLine> lines, Map<KernelLine, Map<KernelContestant, Double>> nanos) {
    this.lines = lines;
    this.nanos = nanos;
  }

  private double nanos(KernelLine line, KernelContestant contestant) {
    return nanos.getOrDefault(line, Map.of()).getOrDefault(contestant, Double.NaN);
  }

  /** A line for each kind of block. */
  String table() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "GB/s",
            "exact",
            "exact scalar",
            "naive",
            "naive scalar",
            "exact/naive time",
            "naive scalar/exact"));
    for (KernelLine line : lines) {
      List<String> row = new ArrayList<>(List.of(line.toString()));
      for (KernelContestant contestant : KernelContestant.values()) {
        row.add(Bounds.number(KernelBenchmark.BLOCK_BYTES / nanos(line, contestant)));
      }
      row.add(Bounds.number(nanos(line, EXACT_VECTOR) / nanos(line, NAIVE_VECTOR)));
      row.add(Bounds.number(nanos(line, NAIVE_SCALAR) / nanos(line, EXACT_VECTOR)));
      rows.add(row);
    }
    return TextTable.of(rows);
  }

  /** What is asked, by number of channels. */
  String bounds() {
    Bounds bounds =
        Bounds.of(
            "ratio of times",
            KernelLine.CHANNELS.stream().map(channels -> "C=" + channels).toList());
    KernelLine longRows = new KernelLine(DType.F32, 0, KernelData.GAUSSIAN, KernelLine.LONG_ROW);
    bounds.atMost(
        "F32 inner=784: exact / naive vector",
        ratios(longRows, EXACT_VECTOR, longRows, NAIVE_VECTOR),
        2.2);
    bounds.atLeast(
        "F32 inner=784: naive scalar / exact",
        ratios(longRows, NAIVE_SCALAR, longRows, EXACT_VECTOR),
        2);
    for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16, DType.F64)) {
      KernelLine rows = longRows.with(dtype);
      bounds.atMost(dtype + ": exact, inner=49 / inner=784", exact(rows.withInner(49), rows), 2.2);
      bounds.atMost(dtype + ": exact, NC or NHWC / inner=784", exact(rows.withInner(1), rows), 1.2);
    }
    for (DType half : List.of(DType.F16, DType.BF16)) {
      double values = (double) half.bytes() / Float.BYTES;
      bounds.atMost(
          half + " / F32: exact, time of a value",
          Arrays.stream(exact(longRows.with(half), longRows))
              .map(ratio -> ratio * values)
              .toArray(),
          1.5);
    }
    bounds.atLeast(
        "F64 / F32: exact, bytes a second", exact(longRows, longRows.with(DType.F64)), 0.6);
    bounds.atLeast(
        "log-normal sigma 3 / gaussian: exact, speed",
        exact(longRows, longRows.with(KernelData.LOG_NORMAL_3)),
        0.13);
    bounds.atLeast(
        "log-normal sigma 20 / gaussian: exact, speed",
        exact(longRows, longRows.with(KernelData.LOG_NORMAL_20)),
        0.1);
    return bounds.toString();
  }

  private double[] exact(KernelLine line, KernelLine other) {
    return ratios(line, EXACT_VECTOR, other, EXACT_VECTOR);
  }

  /** The times of one by those of the other, for each number of channels. */
  private double[] ratios(
      KernelLine line, KernelContestant of, KernelLine other, KernelContestant otherOf) {
    return KernelLine.CHANNELS.stream()
        .mapToDouble(
            channels ->
                nanos(line.withChannels(channels), of)
                    / nanos(other.withChannels(channels), otherOf))
        .toArray();
  }
}
