package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.Model;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.checkpoint.ModelOptions;
import org.sparkbatchnorm.checkpoint.ModelPart;
import org.sparkbatchnorm.checkpoint.TypedStatistics;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Publication;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.DType;

/**
 * A copy of a model file in which running statistics are new, and nothing else. A model in several
 * files is copied file by file, its index last: a reader that finds the new index finds all of it.
 */
final class ModelCopy implements CheckpointOutput {
  /** Layers that a message lists. */
  private static final int LISTED = 10;

  private final Storage storage;
  private final JobSpec.Output output;
  private final JobSpec.Model spec;
  private final Model model;
  private final LayerNames names;

  private ModelCopy(Storage storage, JobSpec.Output output, JobSpec.Model spec, Model model) {
    this.storage = storage;
    this.output = output;
    this.spec = spec;
    this.model = model;
    this.names = new LayerNames(model, spec.path(), spec.names());
  }

  /**
   * Opens the model.
   *
   * @throws MalformedFileException if it cannot be read, or holds no layers
   */
  static ModelCopy open(Storage storage, JobSpec.Output output, JobSpec.Model spec)
      throws MalformedFileException {
    ModelFormat format = ModelFormat.ofPath(spec.path()).orElseThrow();
    ModelOptions options = new ModelOptions(spec.stateDict(), new HashSet<>(spec.names().values()));
    return new ModelCopy(storage, output, spec, Model.open(storage, spec.path(), format, options));
  }

  /** The model, as it is. */
  Model model() {
    return model;
  }

  /**
   * Which convention its numbers follow.
   *
   * @throws MalformedFileException METADATA if it records none that is known
   */
  Convention convention() throws MalformedFileException {
    return RecordedConvention.of(
        StoredFile.display(spec.path()), model.checkpoint(), model.format());
  }

  @Override
  public void requirePossible() throws OutputExistsException, CommitException {
    for (String path : paths()) {
      storage.publication(path, output.replacing()).requirePossible();
    }
  }

  /** Where the files go: the main one where the job says, the others beside it. */
  private List<String> paths() {
    List<String> paths = new ArrayList<>();
    int end = output.path().lastIndexOf('/') + 1;
    for (ModelPart part : model.parts()) {
      paths.add(output.path().substring(0, end) + part.name());
    }
    paths.set(paths.size() - 1, output.path());
    return paths;
  }

  @Override
  public void requireLayers(Map<String, Integer> channels) throws MalformedFileException {
    Map<String, String> matched = names.match(channels.keySet());
    for (Map.Entry<String, Integer> layer : channels.entrySet()) {
      CheckpointLayer there = layer(matched.get(layer.getKey()));
      if (there.channels() != layer.getValue()) {
        throw new MalformedFileException(
            StoredFile.display(spec.path()),
            MalformedFileException.NO_OFFSET,
            "SHAPE_MISMATCH",
            "layer '"
                + matched.get(layer.getKey())
                + "' has "
                + there.channels()
                + " channels in the model, but layer '"
                + layer.getKey()
                + "' of the statistics has "
                + layer.getValue());
      }
    }
  }

  private CheckpointLayer layer(String modelLayer) throws MalformedFileException {
    return model.checkpoint().layer(modelLayer);
  }

  @Override
  public DType dtype(String layer) throws MalformedFileException {
    return layer(names.of(layer)).dtype();
  }

  @Override
  public Optional<RunningStatistics> initial(String layer) throws MalformedFileException {
    CheckpointLayer there = layer(names.of(layer));
    return Optional.of(
        RunningStatistics.of(
            there.mean(), there.variance(), Math.max(0, there.batchesTracked().orElse(0))));
  }

  @Override
  public List<String> warnings(Set<String> layers) throws MalformedFileException {
    return Stream.of(untouchedBut(layers), otherStateDicts(), staleRecord())
        .flatMap(Optional::stream)
        .toList();
  }

  private Optional<String> otherStateDicts() {
    List<String> others =
        model.otherStateDicts().stream().map(key -> "'" + Printable.escape(key) + "'").toList();
    return others.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "the model's file has running statistics under "
                + Listing.of(others, LISTED, ", ", ", ...")
                + " too, which stay as they are; checkpoint.state-dict says which are meant");
  }

  /** Only running statistics change: what our own checkpoints say of them stays. */
  private Optional<String> staleRecord() {
    String fingerprint = model.checkpoint().metadata().get(MetadataKeys.FINGERPRINT);
    return fingerprint == null
        ? Optional.empty()
        : Optional.of(
            "the metadata of the copy are the model's, and tell of its former statistics, of"
                + " fingerprint "
                + Printable.escape(fingerprint));
  }

  private Optional<String> untouchedBut(Set<String> layers) throws MalformedFileException {
    Set<String> touched = Set.copyOf(names.match(layers).values());
    List<String> others =
        model.checkpoint().layers().keySet().stream()
            .filter(name -> !touched.contains(name))
            .map(Printable::escape)
            .toList();
    return others.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Quantity.of(others.size(), "layer")
                + " of the model without new statistics, which keep what they have: "
                + Listing.of(others, LISTED, ", ", ", ..."));
  }

  @Override
  public void publish(List<RunReport.Layer> layers, Optional<String> fingerprint)
      throws CommitException, MalformedFileException {
    Map<String, TypedStatistics> statistics = new LinkedHashMap<>();
    for (RunReport.Layer layer : layers) {
      statistics.put(layer.name(), layer.typed());
    }
    publish(patched(statistics));
  }

  /**
   * The files of the copy: a view of those of the model.
   *
   * @param statistics by the name that the layer has among them
   * @throws MalformedFileException as {@link Model#patched}
   */
  List<ModelPart> patched(Map<String, TypedStatistics> statistics) throws MalformedFileException {
    Map<String, String> matched = names.match(statistics.keySet());
    Map<String, TypedStatistics> byModelLayer = new LinkedHashMap<>();
    statistics.forEach((name, values) -> byModelLayer.put(matched.get(name), values));
    return model.patched(byModelLayer);
  }

  /** Writes the copy, whose files these are. */
  void publish(List<ModelPart> parts) throws CommitException, MalformedFileException {
    List<String> paths = paths();
    for (int i = 0; i < parts.size(); i++) {
      ModelPart part = parts.get(i);
      Publication publication = storage.publication(paths.get(i), output.replacing());
      publication.publish(part.bytes(), () -> model.requireUnchanged(part));
    }
  }

  @Override
  public void close() throws MalformedFileException {
    model.close();
  }
}
