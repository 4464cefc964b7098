package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.source.ActivationPlan.PlannedLayer;

/** An inspection as a person reads it. */
public final class InspectionTable {
  private InspectionTable() {}

  /** One line per layer, and the metadata below. */
  public static String of(Inspection inspection) {
    List<List<String>> lines = new ArrayList<>();
    lines.add(
        inspection.kind() == Inspection.Kind.CHECKPOINT
            ? List.of("layer", "channels", "dtype", "mini-batches", "mean", "variance", "affine")
            : List.of("layer", "channels", "dtype", "tensors", "values/channel", "bytes"));
    for (Inspection.Layer layer : inspection.layers()) {
      lines.add(
          layer.statistics().isPresent()
              ? checkpoint(layer, layer.statistics().get())
              : activations(layer, layer.activations().orElseThrow()));
    }
    StringBuilder text = new StringBuilder(TextTable.of(lines));
    if (!inspection.metadata().isEmpty()) {
      text.append('\n');
    }
    for (Map.Entry<String, String> entry : inspection.metadata().entrySet()) {
      text.append(Printable.escape(entry.getKey()))
          .append(": ")
          .append(Printable.escape(entry.getValue()))
          .append('\n');
    }
    return text.toString();
  }

  private static List<String> checkpoint(Inspection.Layer layer, CheckpointLayer statistics) {
    return List.of(
        Printable.escape(layer.name()),
        Integer.toString(layer.channels()),
        layer.dtype(),
        statistics.batchesTracked().isPresent()
            ? Long.toString(statistics.batchesTracked().getAsLong())
            : "-",
        NumberRange.of(statistics.mean()),
        NumberRange.of(statistics.variance()),
        affine(statistics));
  }

  private static String affine(CheckpointLayer statistics) {
    if (statistics.gamma().isPresent()) {
      return statistics.beta().isPresent() ? "weight, bias" : "weight";
    }
    return statistics.beta().isPresent() ? "bias" : "no";
  }

  private static List<String> activations(Inspection.Layer layer, PlannedLayer planned) {
    return List.of(
        Printable.escape(layer.name()),
        Integer.toString(layer.channels()),
        layer.dtype(),
        Long.toString(planned.tensors()),
        Long.toString(planned.valuesPerChannel()),
        ByteCount.text(planned.bytes()));
  }
}
