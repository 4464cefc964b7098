package org.sparkbatchnorm.job;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.Model;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.checkpoint.ModelOptions;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.ActivationPlan.PlannedLayer;
import org.sparkbatchnorm.source.ActivationPlanner;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.source.MiniBatchRule;
import org.sparkbatchnorm.source.Shard;
import org.sparkbatchnorm.source.ShardFormat;
import org.sparkbatchnorm.source.ShardTensor;
import org.sparkbatchnorm.storage.IoFailure;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * Looks into a checkpoint or activations without Spark: headers and running statistics, no
 * activation is read.
 */
public final class Inspector {
  private final Storage storage;

  /** An inspector of files of this storage. */
  public Inspector(Storage storage) {
    this.storage = storage;
  }

  /**
   * What is in the input's files. A single file of a model's format that holds running statistics
   * is a checkpoint; anything else is activations.
   *
   * @throws MalformedFileException if a file is bad, or tensors do not fit together as activations
   * @throws JobSpecException if the files are Parquet, which only Spark reads
   */
  public Inspection inspect(JobSpec.Input input) throws MalformedFileException {
    if (input.paths().size() == 1) {
      Optional<Inspection> checkpoint = checkpoint(input.paths().get(0));
      if (checkpoint.isPresent()) {
        return checkpoint.get();
      }
    }
    InputFiles files = InputFiles.list(storage, input, Set.of());
    ShardFormat format =
        switch (files.format()) {
          case SAFETENSORS -> ShardFormat.SAFETENSORS;
          case NPY -> ShardFormat.NPY;
          case PARQUET ->
              throw new JobSpecException(
                  "inspect starts no Spark and reads no Parquet; recalibrate --dry-run does");
        };
    return activations(input.selection(), format, files);
  }

  /**
   * A file of which the name says that it may hold activations is a checkpoint if it has layers.
   */
  private Optional<Inspection> checkpoint(String path) throws MalformedFileException {
    Optional<ModelFormat> format = ModelFormat.ofPath(path);
    if (format.isEmpty() || isElsewhereOrFolder(path)) {
      return Optional.empty();
    }
    try (Model model = Model.open(storage, path, format.get(), ModelOptions.none())) {
      Checkpoint checkpoint = model.checkpoint();
      List<Inspection.Layer> layers = new ArrayList<>();
      checkpoint
          .layers()
          .forEach((name, layer) -> layers.add(Inspection.Layer.ofCheckpoint(name, layer)));
      return Optional.of(
          new Inspection(
              Inspection.Kind.CHECKPOINT,
              format.get().word(),
              checkpoint.metadata(),
              layers,
              Optional.of(model.parameters())));
    } catch (IOException e) {
      MalformedFileException failure = IoFailure.describe(StoredFile.display(path), e);
      if (failure.code().equals("NO_LAYERS") && format.get() == ModelFormat.SAFETENSORS) {
        return Optional.empty();
      }
      throw failure;
    }
  }

  /** A glob is no file; what is not there at all is reported by the listing. */
  private boolean isElsewhereOrFolder(String path) {
    try {
      return storage.isFolder(path);
    } catch (MalformedFileException e) {
      return true;
    }
  }

  private Inspection activations(LayerSelection selection, ShardFormat format, InputFiles files)
      throws MalformedFileException {
    List<Shard> shards = new ArrayList<>();
    Map<String, String> metadata = null;
    for (StoredFile file : files.files()) {
      Shard shard = format.read(storage, file);
      shards.add(shard);
      if (metadata == null) {
        metadata = new TreeMap<>(shard.metadata());
      } else {
        metadata.entrySet().retainAll(shard.metadata().entrySet());
      }
    }
    List<Inspection.Layer> layers = new ArrayList<>();
    for (PlannedLayer layer :
        ActivationPlanner.select(selection, MiniBatchRule.TENSORS, shards).layers()) {
      layers.add(Inspection.Layer.ofActivations(layer, dtypes(selection, shards, layer.name())));
    }
    return new Inspection(
        Inspection.Kind.ACTIVATIONS, files.format().word(), metadata, layers, Optional.empty());
  }

  private static String dtypes(LayerSelection selection, List<Shard> shards, String layer) {
    TreeSet<String> dtypes = new TreeSet<>();
    for (Shard shard : shards) {
      for (ShardTensor tensor : shard.tensors()) {
        if (selection.layerOf(tensor.name()).equals(Optional.of(layer))) {
          dtypes.add(tensor.dtype().name());
        }
      }
    }
    return String.join(",", dtypes);
  }
}
