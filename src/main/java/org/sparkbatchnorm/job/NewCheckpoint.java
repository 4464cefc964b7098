package org.sparkbatchnorm.job;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.checkpoint.Naming;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Publication;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.DType;

/** A checkpoint of running statistics and nothing else, in the format that its name ends with. */
final class NewCheckpoint implements CheckpointOutput {
  private final JobSpec spec;
  private final Publication publication;

  NewCheckpoint(Storage storage, JobSpec spec) {
    this.spec = spec;
    this.publication = storage.publication(spec.output().path(), spec.output().replacing());
  }

  @Override
  public void requirePossible() throws OutputExistsException, CommitException {
    publication.requirePossible();
  }

  /** Any layer has a place. */
  @Override
  public void requireLayers(Map<String, Integer> channels) {}

  @Override
  public DType dtype(String layer) {
    return spec.output().dtype();
  }

  @Override
  public Optional<RunningStatistics> initial(String layer) {
    return Optional.empty();
  }

  @Override
  public List<String> warnings(Set<String> layers) {
    return List.of();
  }

  @Override
  public void publish(List<RunReport.Layer> layers, Optional<String> fingerprint)
      throws CommitException {
    Map<String, CheckpointLayer> statistics = new LinkedHashMap<>();
    for (RunReport.Layer layer : layers) {
      statistics.put(layer.name(), CheckpointLayer.of(layer.stored()));
    }
    ModelFormat format = ModelFormat.ofPath(spec.output().path()).orElseThrow();
    publication.publish(
        format.encode(
            Checkpoint.of(statistics, metadata(layers, fingerprint)),
            spec.output().dtype(),
            Naming.of(spec.output().convention())));
  }

  private Map<String, String> metadata(List<RunReport.Layer> layers, Optional<String> fingerprint) {
    Map<String, String> metadata = new TreeMap<>();
    metadata.put(MetadataKeys.FORMAT, MetadataKeys.PYTORCH);
    metadata.put(MetadataKeys.VERSION, ProductVersion.text());
    metadata.put(MetadataKeys.ESTIMATOR, spec.statistics().forCheckpoint().name());
    metadata.put(MetadataKeys.ACCUMULATOR, spec.statistics().accumulation().word());
    fingerprint.ifPresent(hex -> metadata.put(MetadataKeys.FINGERPRINT, hex));
    metadata.put(MetadataKeys.EPSILON, Double.toString(spec.output().epsilon()));
    metadata.put(MetadataKeys.CONVENTION, spec.output().convention().word());
    metadata.putAll(spec.statistics().choices(List.of(spec.statistics().forCheckpoint())));
    metadata.put(MetadataKeys.LAYERS, ReportJson.provenance(layers));
    return metadata;
  }

  @Override
  public void close() {}
}
