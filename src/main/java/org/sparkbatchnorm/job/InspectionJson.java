package org.sparkbatchnorm.job;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.ParameterCounts;
import org.sparkbatchnorm.source.ActivationPlan.PlannedLayer;

/** An inspection as one JSON document. */
public final class InspectionJson {
  private InspectionJson() {}

  /** {@code kind}, {@code format}, {@code metadata}, {@code layers}, {@code parameters}. */
  public static String of(Inspection inspection) {
    return JsonText.object(out -> write(inspection, out));
  }

  private static void write(Inspection inspection, JsonGenerator out) throws IOException {
    out.writeStringField("kind", inspection.kind().name().toLowerCase(Locale.ROOT));
    out.writeStringField("format", inspection.format());
    out.writeObjectFieldStart("metadata");
    for (Map.Entry<String, String> entry : inspection.metadata().entrySet()) {
      out.writeStringField(entry.getKey(), entry.getValue());
    }
    out.writeEndObject();
    out.writeArrayFieldStart("layers");
    for (Inspection.Layer layer : inspection.layers()) {
      out.writeStartObject();
      out.writeStringField("name", layer.name());
      out.writeNumberField("channels", layer.channels());
      out.writeStringField("dtype", layer.dtype());
      if (layer.statistics().isPresent()) {
        statistics(layer.statistics().get(), out);
        JsonText.strings(out, "suspicions", layer.suspicions());
      }
      if (layer.activations().isPresent()) {
        activations(layer.activations().get(), out);
      }
      out.writeEndObject();
    }
    out.writeEndArray();
    if (inspection.parameters().isPresent()) {
      parameters(inspection.parameters().get(), out);
    }
  }

  private static void parameters(ParameterCounts counts, JsonGenerator out) throws IOException {
    out.writeObjectFieldStart("parameters");
    out.writeObjectFieldStart("pytorch");
    out.writeNumberField("parameters", counts.parameters());
    out.writeNumberField("buffers", counts.buffers());
    out.writeEndObject();
    out.writeObjectFieldStart("keras");
    out.writeNumberField("total", counts.total());
    out.writeNumberField("trainable", counts.trainable());
    out.writeNumberField("nonTrainable", counts.nonTrainable());
    out.writeEndObject();
    out.writeEndObject();
  }

  private static void statistics(CheckpointLayer layer, JsonGenerator out) throws IOException {
    if (layer.batchesTracked().isPresent()) {
      out.writeNumberField("miniBatches", layer.batchesTracked().getAsLong());
    }
    out.writeBooleanField("weight", layer.gamma().isPresent());
    out.writeBooleanField("bias", layer.beta().isPresent());
    if (layer.isAffineUnknown()) {
      out.writeBooleanField("weightOrBias", true);
    }
    JsonText.doubles(out, "mean", layer.mean());
    JsonText.doubles(out, "variance", layer.variance());
    parameters(ParameterCounts.of(layer), out);
  }

  private static void activations(PlannedLayer layer, JsonGenerator out) throws IOException {
    out.writeNumberField("tensors", layer.tensors());
    out.writeNumberField("miniBatches", layer.miniBatches());
    out.writeNumberField("valuesPerChannel", layer.valuesPerChannel());
    out.writeNumberField("bytes", layer.bytes());
  }
}
