package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.ParameterCounts;
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
            ? List.of(
                "layer",
                "channels",
                "dtype",
                "mini-batches",
                "mean",
                "variance",
                "affine",
                "PyTorch parameters + buffers",
                "Keras trainable + not")
            : List.of("layer", "channels", "dtype", "tensors", "values/channel", "bytes"));
    for (Inspection.Layer layer : inspection.layers()) {
      lines.add(
          layer.statistics().isPresent()
              ? checkpoint(layer, layer.statistics().get())
              : activations(layer, layer.activations().orElseThrow()));
    }
    StringBuilder text = new StringBuilder(TextTable.of(lines));
    for (Inspection.Layer layer : inspection.layers()) {
      for (String suspicion : layer.suspicions()) {
        text.append("suspicious: layer ")
            .append(Printable.escape(layer.name()))
            .append(": ")
            .append(suspicion)
            .append('\n');
      }
    }
    inspection
        .parameters()
        .ifPresent(counts -> text.append('\n').append(totals(counts, inspection.layers())));
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

  /** Why the two differ stands beside the numbers. */
  private static String totals(ParameterCounts counts, List<Inspection.Layer> layers) {
    long statistics = 2 * layers.stream().mapToLong(Inspection.Layer::channels).sum();
    return String.format(
        Locale.ROOT,
        """
        as PyTorch counts: %,d parameters; %,d buffer elements, running statistics among them
        as Keras counts:   %,d parameters: %,d trainable, %,d not, %s
        """,
        counts.parameters(),
        counts.buffers(),
        counts.total(),
        counts.trainable(),
        counts.nonTrainable(),
        counts.nonTrainable() == statistics
            ? "which are the running statistics"
            : "running statistics among them");
  }

  private static List<String> checkpoint(Inspection.Layer layer, CheckpointLayer statistics) {
    ParameterCounts counts = ParameterCounts.of(statistics);
    return List.of(
        Printable.escape(layer.name()),
        Integer.toString(layer.channels()),
        layer.dtype(),
        statistics.batchesTracked().isPresent()
            ? Long.toString(statistics.batchesTracked().getAsLong())
            : "-",
        NumberRange.of(statistics.mean()),
        NumberRange.of(statistics.variance()),
        affine(statistics),
        counts.parameters() + " + " + counts.buffers(),
        counts.trainable() + " + " + counts.nonTrainable());
  }

  private static String affine(CheckpointLayer statistics) {
    if (statistics.gamma().isPresent()) {
      return statistics.beta().isPresent() ? "weight, bias" : "weight";
    }
    String otherwise = statistics.isAffineUnknown() ? "weight or bias" : "no";
    return statistics.beta().isPresent() ? "bias" : otherwise;
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
