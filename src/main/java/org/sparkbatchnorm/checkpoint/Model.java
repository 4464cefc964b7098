package org.sparkbatchnorm.checkpoint;

import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.checkpoint.ModelReader.ModelContents;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.storage.IoFailure;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.storage.StoredInput;

/**
 * A model in a file, or in several, of any format that is read: its BatchNorm layers, how many
 * numbers it has, and itself with other running statistics. Of the files it holds what describes
 * them, never their tensors, but for those of BatchNorm layers. Not thread-safe.
 */
public final class Model implements Closeable {
  private final ModelFormat format;
  private final ModelOptions options;
  private final ModelContents contents;
  private final Map<String, StoredLayer> layers;
  private final Checkpoint checkpoint;
  private final OpenFiles files;

  private Model(
      ModelFormat format,
      ModelOptions options,
      ModelContents contents,
      Map<String, StoredLayer> layers,
      OpenFiles files) {
    this.format = format;
    this.options = options;
    this.contents = contents;
    this.layers = layers;
    this.checkpoint = checkpoint(contents, layers);
    this.files = files;
  }

  /** The files that a model is read from, as they were when they were opened. */
  private static final class OpenFiles implements ModelReader.Neighbours, Closeable {
    private final Storage storage;
    private final String main;
    private final List<StoredFile> files = new ArrayList<>();
    private final List<StoredInput> inputs = new ArrayList<>();

    OpenFiles(Storage storage, String main) {
      this.storage = storage;
      this.main = main;
    }

    ModelPart openMain() throws IOException {
      return open(storage.file(main));
    }

    @Override
    public ModelPart open(String name) throws IOException {
      return open(storage.sibling(main, name));
    }

    private ModelPart open(StoredFile file) throws IOException {
      StoredInput input = storage.open(file);
      files.add(file);
      inputs.add(input);
      return new ModelPart(file.name(), input);
    }

    /** What went wrong before says more than that closing failed as well. */
    void closeAfter(MalformedFileException failure) {
      try {
        close();
      } catch (IOException e) {
        failure.addSuppressed(e);
      }
    }

    @Override
    public void close() throws IOException {
      for (StoredInput input : inputs) {
        input.close();
      }
    }
  }

  /**
   * Opens a model.
   *
   * @param path of the model, or of its index
   * @throws MalformedFileException with a code of the format's reader, or of {@link
   *     SafetensorsCheckpoint#decode}; for a model in several files PATH_ESCAPE, SHARD_MISSING or
   *     INDEX_MISMATCH
   */
  public static Model open(Storage storage, String path, ModelFormat format, ModelOptions options)
      throws MalformedFileException {
    OpenFiles files = new OpenFiles(storage, path);
    try {
      ModelContents contents = format.reader().read(files.openMain(), files, options);
      return new Model(format, options, contents, layers(contents), files);
    } catch (IOException e) {
      MalformedFileException failure = IoFailure.describe(StoredFile.display(path), e);
      files.closeAfter(failure);
      throw failure;
    }
  }

  /** The layers and metadata of a model in one file. */
  static Checkpoint decode(ModelFormat format, ReadableBytes file) throws IOException {
    ModelReader.Neighbours none =
        name -> {
          throw new FileNotFoundException(name);
        };
    ModelContents contents =
        format.reader().read(new ModelPart(file.name(), file), none, ModelOptions.none());
    return checkpoint(contents, layers(contents));
  }

  /**
   * The layers and metadata of a model, which is closed again.
   *
   * @throws MalformedFileException as {@link #open}
   */
  public static Checkpoint read(Storage storage, String path, ModelFormat format)
      throws MalformedFileException {
    try (Model model = open(storage, path, format, ModelOptions.none())) {
      return model.checkpoint();
    }
  }

  private static Map<String, StoredLayer> layers(ModelContents contents) throws IOException {
    return new LayerAssembly(contents.main().bytes().name(), contents.tensors()).layers();
  }

  private static Checkpoint checkpoint(ModelContents contents, Map<String, StoredLayer> layers) {
    return Checkpoint.read(
        contents.main().bytes().name(), checkpointLayers(layers), contents.metadata());
  }

  /** Its format. */
  public ModelFormat format() {
    return format;
  }

  /**
   * Where else in a .pt file running means stand, if its state dict was found and not named: the
   * file may hold the same net twice, as it was trained and averaged.
   */
  public List<String> otherStateDicts() {
    return contents.otherStateDicts();
  }

  /** Its BatchNorm layers, with their values, and the metadata of its file. */
  public Checkpoint checkpoint() {
    return checkpoint;
  }

  private static Map<String, CheckpointLayer> checkpointLayers(Map<String, StoredLayer> layers) {
    Map<String, CheckpointLayer> values = new LinkedHashMap<>();
    layers.forEach((name, layer) -> values.put(name, layer.layer()));
    return values;
  }

  /** Other names of layers: what else a user may call them. */
  public Map<String, String> aliases() {
    return contents.aliases();
  }

  /** How many numbers it has. */
  public ParameterCounts parameters() {
    return ParameterCounts.of(contents.tensors(), layers.values());
  }

  private String mainName() {
    return contents.main().bytes().name();
  }

  /**
   * The files of the model with other running statistics in these layers: running mean, running
   * variance, and the number of mini-batches where the layer has one. Every other byte is as it is,
   * but for checksums of what changed. What is returned has been read back and compared. It is a
   * view of the files, which must stay open and unchanged until it has been copied.
   *
   * @param statistics by the name of the layer in the model
   * @return all files, the main one last
   * @throws MalformedFileException LAYER_MISSING; SHAPE_MISMATCH if a layer has another number of
   *     channels than its statistics; NOT_PATCHABLE if values do not stand in the file such that
   *     they can be replaced
   */
  public List<ModelPart> patched(Map<String, TypedStatistics> statistics)
      throws MalformedFileException {
    try {
      ModelPatch patch = new ModelPatch(contents);
      Map<String, CheckpointLayer> expected = new LinkedHashMap<>(checkpoint.layers());
      for (Map.Entry<String, TypedStatistics> entry : statistics.entrySet()) {
        String name = entry.getKey();
        checkpoint.layer(name);
        expected.put(name, patch.replace(name, layers.get(name), entry.getValue()));
      }
      List<ModelPart> changed = patch.parts();
      requireReadsBack(changed, expected);
      return changed;
    } catch (IOException e) {
      throw IoFailure.describe(mainName(), e);
    }
  }

  private void requireReadsBack(List<ModelPart> changed, Map<String, CheckpointLayer> expected)
      throws IOException {
    Map<String, ModelPart> byName = new HashMap<>();
    changed.forEach(part -> byName.put(part.name(), part));
    ModelContents again =
        format.reader().read(changed.get(changed.size() - 1), byName::get, options);
    if (!checkpointLayers(layers(again)).equals(expected)) {
      throw new IllegalStateException("the changed model reads back as another one");
    }
  }

  /** Its files, the main one last. */
  public List<ModelPart> parts() {
    return contents.parts();
  }

  /**
   * Checks that one of its files is still what it was when it was opened.
   *
   * @throws MalformedFileException SHARD_CHANGED if not
   */
  public void requireUnchanged(ModelPart part) throws MalformedFileException {
    try {
      for (StoredFile file : files.files) {
        if (file.name().equals(part.name())) {
          files.storage.requireUnchanged(file);
        }
      }
    } catch (IOException e) {
      throw IoFailure.describe(part.bytes().name(), e);
    }
  }

  /**
   * Closes its files.
   *
   * @throws MalformedFileException if that fails
   */
  @Override
  public void close() throws MalformedFileException {
    try {
      files.close();
    } catch (IOException e) {
      throw IoFailure.describe(mainName(), e);
    }
  }
}
