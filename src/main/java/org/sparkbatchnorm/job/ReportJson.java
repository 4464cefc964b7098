package org.sparkbatchnorm.job;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.NonFiniteCounts;

/** A report or a plan as one JSON document; see {@link JsonText} for its numbers. */
public final class ReportJson {
  private ReportJson() {}

  /** The whole result, with every channel. */
  public static String of(RunReport report) {
    return JsonText.object(out -> report(report, out));
  }

  /** What would be read. */
  public static String of(JobPlan plan) {
    return JsonText.object(out -> plan(plan, out));
  }

  /**
   * What a checkpoint records of its layers: {@code {"bn1": {"count": N, "miniBatches": B}}}; count
   * is a list, one per channel, where channels differ.
   */
  static String provenance(List<RunReport.Layer> layers) {
    return JsonText.object(
        out -> {
          for (RunReport.Layer layer : layers) {
            provenance(layer, out);
          }
        });
  }

  private static void provenance(RunReport.Layer layer, JsonGenerator out) throws IOException {
    long[] counts = layer.counts();
    out.writeObjectFieldStart(layer.name());
    if (Arrays.stream(counts).distinct().count() == 1) {
      out.writeNumberField("count", counts[0]);
    } else {
      JsonText.longs(out, "count", counts);
    }
    out.writeNumberField("miniBatches", layer.moments().miniBatches());
    out.writeEndObject();
  }

  private static void report(RunReport report, JsonGenerator out) throws IOException {
    out.writeStringField("checkpoint", report.checkpoint());
    if (report.model().isPresent()) {
      out.writeStringField("model", report.model().get());
    }
    out.writeStringField("dtype", report.dtype());
    JsonText.strings(out, "estimators", report.estimators());
    out.writeStringField("convention", report.convention());
    write(out, "miniBatch", report.choices().get(MetadataKeys.MINI_BATCH));
    write(out, "momentum", report.choices().get(MetadataKeys.MOMENTUM));
    write(out, "initial", report.choices().get(MetadataKeys.INITIAL));
    out.writeStringField("accumulator", report.accumulator());
    if (report.fingerprint().isPresent()) {
      out.writeStringField("fingerprint", report.fingerprint().get());
    }
    out.writeStringField("kernel", report.kernel());
    out.writeNumberField("epsilon", report.epsilon());
    out.writeArrayFieldStart("layers");
    for (RunReport.Layer layer : report.layers()) {
      layer(layer, out);
    }
    out.writeEndArray();
    JsonText.strings(out, "warnings", report.warnings());
    out.writeObjectFieldStart("input");
    out.writeNumberField("files", report.input().files());
    out.writeNumberField("tensors", report.input().tensors());
    out.writeNumberField("bytes", report.input().bytes());
    out.writeNumberField("splits", report.input().splits());
    JsonText.strings(out, "paths", report.input().paths());
    out.writeEndObject();
    out.writeObjectFieldStart("seconds");
    out.writeNumberField("plan", report.seconds().plan());
    out.writeNumberField("scan", report.seconds().scan());
    out.writeNumberField("total", report.seconds().total());
    out.writeEndObject();
  }

  /** Nothing where nothing was chosen. */
  private static void write(JsonGenerator out, String field, String choice) throws IOException {
    if (choice != null) {
      out.writeStringField(field, choice);
    }
  }

  private static void layer(RunReport.Layer layer, JsonGenerator out) throws IOException {
    double[] pooledMean = layer.pooled().mean();
    out.writeStartObject();
    out.writeStringField("name", layer.name());
    out.writeNumberField("channels", layer.channels());
    out.writeNumberField("miniBatches", layer.moments().miniBatches());
    JsonText.longs(out, "count", layer.counts());
    JsonText.doubles(out, "mean", pooledMean);
    out.writeNumberField("constantChannels", layer.constantChannels());
    out.writeObjectFieldStart("variance");
    for (Map.Entry<String, RunningStatistics> entry : layer.statistics().entrySet()) {
      JsonText.doubles(out, entry.getKey(), entry.getValue().variance());
    }
    out.writeEndObject();
    out.writeObjectFieldStart("means");
    for (Map.Entry<String, RunningStatistics> entry : layer.statistics().entrySet()) {
      if (!Arrays.equals(entry.getValue().mean(), pooledMean)) {
        JsonText.doubles(out, entry.getKey(), entry.getValue().mean());
      }
    }
    out.writeEndObject();
    nonFinite(layer, out);
    if (layer.fingerprint().isPresent()) {
      out.writeStringField("fingerprint", layer.fingerprint().get());
    }
    out.writeEndObject();
  }

  private static void nonFinite(RunReport.Layer layer, JsonGenerator out) throws IOException {
    NonFiniteCounts counts = layer.moments().pooled().nonFinite();
    out.writeObjectFieldStart("nonFinite");
    JsonText.longs(out, "nan", layer.perChannel(counts::nan));
    JsonText.longs(out, "positiveInfinity", layer.perChannel(counts::positiveInfinity));
    JsonText.longs(out, "negativeInfinity", layer.perChannel(counts::negativeInfinity));
    out.writeEndObject();
  }

  private static void plan(JobPlan plan, JsonGenerator out) throws IOException {
    out.writeArrayFieldStart("layers");
    for (JobPlan.Layer layer : plan.layers()) {
      out.writeStartObject();
      out.writeStringField("name", layer.name());
      out.writeNumberField("channels", layer.channels());
      out.writeNumberField("tensors", layer.tensors());
      out.writeNumberField("valuesPerChannel", layer.valuesPerChannel());
      out.writeEndObject();
    }
    out.writeEndArray();
    out.writeObjectFieldStart("input");
    out.writeNumberField("files", plan.files());
    out.writeNumberField("tensors", plan.tensors());
    out.writeNumberField("bytes", plan.bytes());
    out.writeNumberField("splits", plan.splits());
    out.writeEndObject();
  }
}
