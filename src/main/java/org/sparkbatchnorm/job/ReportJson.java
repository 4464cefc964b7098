package org.sparkbatchnorm.job;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.NonFiniteCounts;

/**
 * A report or a plan as one JSON document. Numbers are written in the shortest form that reads back
 * as the same double; NaN and infinities are strings.
 */
public final class ReportJson {
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER).build();

  private final JsonGenerator out;

  private ReportJson(JsonGenerator out) {
    this.out = out;
  }

  private interface Body {
    void write(ReportJson json) throws IOException;
  }

  /** The whole result, with every channel. */
  public static String of(RunReport report) {
    return document(json -> json.report(report));
  }

  /** What would be read. */
  public static String of(JobPlan plan) {
    return document(json -> json.plan(plan));
  }

  /**
   * What a checkpoint records of its layers: {@code {"bn1": {"count": N, "miniBatches": B}}}; count
   * is a list, one per channel, where channels differ.
   */
  static String provenance(List<RunReport.Layer> layers) {
    return document(
        json -> {
          for (RunReport.Layer layer : layers) {
            json.provenance(layer);
          }
        });
  }

  private void provenance(RunReport.Layer layer) throws IOException {
    ChannelMoments pooled = layer.moments().pooled();
    long[] counts = IntStream.range(0, layer.channels()).mapToLong(pooled::count).toArray();
    out.writeObjectFieldStart(layer.name());
    if (Arrays.stream(counts).distinct().count() == 1) {
      out.writeNumberField("count", counts[0]);
    } else {
      longs("count", layer.channels(), pooled::count);
    }
    out.writeNumberField("miniBatches", layer.moments().miniBatches());
    out.writeEndObject();
  }

  private static String document(Body body) {
    StringWriter text = new StringWriter();
    try (JsonGenerator generator = JSON.createGenerator(text)) {
      generator.writeStartObject();
      body.write(new ReportJson(generator));
      generator.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  private void report(RunReport report) throws IOException {
    out.writeStringField("checkpoint", report.checkpoint());
    out.writeStringField("dtype", report.dtype());
    strings("estimators", report.estimators());
    out.writeNumberField("epsilon", report.epsilon());
    out.writeArrayFieldStart("layers");
    for (RunReport.Layer layer : report.layers()) {
      layer(layer);
    }
    out.writeEndArray();
    out.writeObjectFieldStart("input");
    out.writeNumberField("files", report.input().files());
    out.writeNumberField("tensors", report.input().tensors());
    out.writeNumberField("bytes", report.input().bytes());
    out.writeNumberField("splits", report.input().splits());
    strings("paths", report.input().paths());
    out.writeEndObject();
    out.writeObjectFieldStart("seconds");
    out.writeNumberField("plan", report.seconds().plan());
    out.writeNumberField("scan", report.seconds().scan());
    out.writeNumberField("total", report.seconds().total());
    out.writeEndObject();
  }

  private void layer(RunReport.Layer layer) throws IOException {
    ChannelMoments pooled = layer.moments().pooled();
    int channels = layer.channels();
    out.writeStartObject();
    out.writeStringField("name", layer.name());
    out.writeNumberField("channels", channels);
    out.writeNumberField("miniBatches", layer.moments().miniBatches());
    longs("count", channels, pooled::count);
    doubles("mean", layer.pooled().mean());
    out.writeNumberField("constantChannels", layer.constantChannels());
    out.writeObjectFieldStart("variance");
    for (Map.Entry<String, RunningStatistics> entry : layer.statistics().entrySet()) {
      doubles(entry.getKey(), entry.getValue().variance());
    }
    out.writeEndObject();
    out.writeObjectFieldStart("means");
    for (Map.Entry<String, RunningStatistics> entry : layer.statistics().entrySet()) {
      if (!Arrays.equals(entry.getValue().mean(), layer.pooled().mean())) {
        doubles(entry.getKey(), entry.getValue().mean());
      }
    }
    out.writeEndObject();
    NonFiniteCounts nonFinite = pooled.nonFinite();
    out.writeObjectFieldStart("nonFinite");
    longs("nan", channels, nonFinite::nan);
    longs("positiveInfinity", channels, nonFinite::positiveInfinity);
    longs("negativeInfinity", channels, nonFinite::negativeInfinity);
    out.writeEndObject();
    out.writeEndObject();
  }

  private void plan(JobPlan plan) throws IOException {
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

  private void strings(String name, Iterable<String> values) throws IOException {
    out.writeArrayFieldStart(name);
    for (String value : values) {
      out.writeString(value);
    }
    out.writeEndArray();
  }

  private void longs(String name, int channels, IntToLongFunction values) throws IOException {
    out.writeArrayFieldStart(name);
    for (int c = 0; c < channels; c++) {
      out.writeNumber(values.applyAsLong(c));
    }
    out.writeEndArray();
  }

  private void doubles(String name, double[] values) throws IOException {
    out.writeArrayFieldStart(name);
    for (double value : values) {
      out.writeNumber(value);
    }
    out.writeEndArray();
  }
}
