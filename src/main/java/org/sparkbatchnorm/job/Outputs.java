package org.sparkbatchnorm.job;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.SafetensorsCheckpoint;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.storage.Publication;
import org.sparkbatchnorm.storage.Storage;

/** What a job writes: the checkpoint, and the report where one is asked for. */
final class Outputs {
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
  void publishCheckpoint(List<RunReport.Layer> layers, Optional<String> fingerprint)
      throws CommitException {
    String estimator = spec.statistics().forCheckpoint().name();
    Map<String, CheckpointLayer> statistics = new LinkedHashMap<>();
    for (RunReport.Layer layer : layers) {
      statistics.put(layer.name(), CheckpointLayer.of(layer.stored()));
    }
    Map<String, String> metadata = new TreeMap<>();
    metadata.put(MetadataKeys.FORMAT, MetadataKeys.PYTORCH);
    metadata.put(MetadataKeys.VERSION, ProductVersion.text());
    metadata.put(MetadataKeys.ESTIMATOR, estimator);
    metadata.put(MetadataKeys.ACCUMULATOR, spec.statistics().accumulation().word());
    fingerprint.ifPresent(hex -> metadata.put(MetadataKeys.FINGERPRINT, hex));
    metadata.put(MetadataKeys.EPSILON, Double.toString(spec.output().epsilon()));
    metadata.put(MetadataKeys.LAYERS, ReportJson.provenance(layers));
    checkpoint.publish(
        SafetensorsCheckpoint.encode(Checkpoint.of(statistics, metadata), spec.output().dtype()));
  }

  /** Writes the report, where one is asked for. */
  void publishReport(RunReport result) throws CommitException {
    if (report.isPresent()) {
      report.get().publish((ReportJson.of(result) + "\n").getBytes(StandardCharsets.UTF_8));
    }
  }
}
