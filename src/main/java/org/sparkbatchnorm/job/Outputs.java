package org.sparkbatchnorm.job;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.storage.Publication;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.DType;

/** What a job writes: the checkpoint, and the report where one is asked for. */
final class Outputs {
  private static final Logger LOG = LoggerFactory.getLogger(Outputs.class);

  /** From here on binary16 rounds to infinity: its largest value is 65504, its spacing there 32. */
  private static final double F16_OVERFLOW = 65520;

  private final JobSpec spec;
  private final Publication checkpoint;
  private final Optional<Publication> report;

  private Outputs(JobSpec spec, Publication checkpoint, Optional<Publication> report) {
    this.spec = spec;
    this.checkpoint = checkpoint;
    this.report = report;
  }

  static Outputs of(Storage storage, JobSpec spec) {
    Overwrite overwrite = spec.output().overwrite() ? Overwrite.REPLACE : Overwrite.REFUSE;
    return new Outputs(
        spec,
        storage.publication(spec.output().path(), overwrite),
        spec.reportPath().map(path -> storage.publication(path, overwrite)));
  }

  /**
   * Refuses what could not be written at the end, before anything is read.
   *
   * @throws OutputExistsException if an output exists and may not be replaced
   * @throws CommitException if the storage cannot be asked
   */
  void requirePossible() throws OutputExistsException, CommitException {
    checkpoint.requirePossible();
    if (report.isPresent()) {
      report.get().requirePossible();
    }
  }

  /** Writes the first estimator's statistics, all at once. */
  void publishCheckpoint(List<RunReport.Layer> layers) throws CommitException {
    String estimator = spec.statistics().forCheckpoint().name();
    Map<String, CheckpointLayer> statistics = new LinkedHashMap<>();
    for (RunReport.Layer layer : layers) {
      RunningStatistics running = layer.statistics().get(estimator);
      warnOfOverflow(layer.name(), running);
      statistics.put(layer.name(), CheckpointLayer.of(running));
    }
    Map<String, String> metadata = new TreeMap<>();
    metadata.put(MetadataKeys.FORMAT, MetadataKeys.PYTORCH);
    metadata.put(MetadataKeys.VERSION, ProductVersion.text());
    metadata.put(MetadataKeys.ESTIMATOR, estimator);
    metadata.put(MetadataKeys.EPSILON, Double.toString(spec.output().epsilon()));
    metadata.put(MetadataKeys.LAYERS, ReportJson.provenance(layers));
    checkpoint.publish(
        SafetensorsCheckpoint.encode(Checkpoint.of(statistics, metadata), spec.output().dtype()));
  }

  /** The other types hold whatever float32 activations can give. */
  private void warnOfOverflow(String layer, RunningStatistics statistics) {
    double largest = 0;
    for (double variance : statistics.variance()) {
      largest = Math.max(largest, variance);
    }
    for (double mean : statistics.mean()) {
      largest = Math.max(largest, Math.abs(mean));
    }
    if (spec.output().dtype() == DType.F16 && largest >= F16_OVERFLOW) {
      LOG.warn("layer {}: {} is beyond the range of F16 and becomes infinite", layer, largest);
    }
  }

  /** Writes the report, where one is asked for. */
  void publishReport(RunReport result) throws CommitException {
    if (report.isPresent()) {
      report.get().publish((ReportJson.of(result) + "\n").getBytes(StandardCharsets.UTF_8));
    }
  }
}
