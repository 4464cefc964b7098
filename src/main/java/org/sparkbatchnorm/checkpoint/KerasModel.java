package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import org.sparkbatchnorm.checkpoint.NamedTensor.Counting;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.hdf5.Hdf5Dataset;
import org.sparkbatchnorm.format.hdf5.Hdf5Storage;
import org.sparkbatchnorm.format.keras.KerasConfig;
import org.sparkbatchnorm.format.keras.KerasLayer;
import org.sparkbatchnorm.format.keras.KerasRole;
import org.sparkbatchnorm.format.keras.KerasVariable;
import org.sparkbatchnorm.format.keras.KerasWeights;
import org.sparkbatchnorm.format.zip.ArchiveEntry;
import org.sparkbatchnorm.format.zip.ZipArchive;

/**
 * Models as Keras 3 saves them, whole ({@code .keras}) or their weights alone ({@code
 * .weights.h5}).
 *
 * <p>A layer's name is what it is called in Python, if no other BatchNormalization layer of the
 * file is called the same; if one is, its path. Both, and its name after those of the models around
 * it ({@code block/bn}), are understood where they mean one layer.
 */
final class KerasModel implements ModelReader {
  private static final String ARCHIVE = ".keras";
  private static final String WEIGHTS = "model.weights.h5";
  private static final String CONFIG = "config.json";

  @Override
  public ModelContents read(ModelPart main, Neighbours neighbours, ModelOptions options)
      throws IOException {
    if (!main.name().toLowerCase(Locale.ROOT).endsWith(ARCHIVE)) {
      return contents(main, main.bytes(), 0, KerasConfig.none(), options, Checksums.none());
    }
    ZipArchive archive = ZipArchive.read(main.bytes());
    ArchiveEntry configEntry = required(main, archive, CONFIG);
    if (configEntry.size() <= KerasConfig.MOST_BYTES) {
      archive.requireIntact(configEntry);
    }
    ArchiveEntry weights = required(main, archive, WEIGHTS);
    if (!weights.isStored()) {
      throw new MalformedFileException(
          main.bytes().name(),
          weights.dataOffset(),
          "ZIP_METHOD",
          WEIGHTS + " is deflated; Keras stores it: load the model in Keras and save it again");
    }
    KerasConfig config;
    try (ReadableBytes json = archive.open(configEntry)) {
      config = KerasConfig.read(json);
    }
    return contents(
        main,
        archive.open(weights),
        weights.dataOffset(),
        config,
        options,
        (part, changes) -> archive.checksumChanges(changes));
  }

  private static ArchiveEntry required(ModelPart main, ZipArchive archive, String name)
      throws MalformedFileException {
    return archive
        .entry(name)
        .orElseThrow(
            () ->
                new MalformedFileException(
                    main.bytes().name(),
                    MalformedFileException.NO_OFFSET,
                    "KERAS_ENTRY",
                    "no "
                        + name
                        + " in the zip, expected what Keras 3 saves by default"
                        + " (weights_format=\"h5\")"));
  }

  private static ModelContents contents(
      ModelPart main,
      ReadableBytes weights,
      long weightsOffset,
      KerasConfig config,
      ModelOptions options,
      Checksums checksums)
      throws IOException {
    List<KerasLayer> layers = KerasWeights.read(weights, config, options.layers()).layers();
    LayerTitles titles = new LayerTitles(layers);
    List<NamedTensor> tensors = new ArrayList<>();
    for (KerasLayer layer : layers) {
      for (KerasVariable variable : layer.variables()) {
        tensors.add(tensor(main, weightsOffset, layer, titles.of(layer), variable));
      }
    }
    return new ModelContents(
        List.of(main), tensors, epsilons(layers, titles), titles.aliases(), checksums);
  }

  /** One for all if all have the same, or else each its own, where the configuration says. */
  private static Map<String, String> epsilons(List<KerasLayer> layers, LayerTitles titles) {
    Map<String, String> metadata = new HashMap<>();
    Set<OptionalDouble> different = new HashSet<>();
    for (KerasLayer layer : layers) {
      if (layer.isBatchNorm()) {
        OptionalDouble epsilon =
            layer.config().isPresent() ? layer.config().get().epsilon() : OptionalDouble.empty();
        different.add(epsilon);
        epsilon.ifPresent(
            value ->
                metadata.put(MetadataKeys.epsilonOf(titles.of(layer)), Double.toString(value)));
      }
    }
    if (different.size() != 1 || metadata.isEmpty()) {
      return metadata;
    }
    return Map.of(MetadataKeys.EPSILON, metadata.values().iterator().next());
  }

  private static NamedTensor tensor(
      ModelPart main, long weightsOffset, KerasLayer layer, String title, KerasVariable variable)
      throws MalformedFileException {
    Hdf5Dataset dataset = variable.dataset();
    boolean isOther = variable.role() == KerasRole.TRAINED || variable.role() == KerasRole.KEPT;
    String name = isOther ? dataset.path() : title + "/" + variable.role().word();
    boolean isInPlace =
        dataset.storage() == Hdf5Storage.CONTIGUOUS || dataset.storage() == Hdf5Storage.COMPACT;
    Counting counting = counting(layer, variable);
    if (variable.dtype().isEmpty() || !isInPlace) {
      long place = weightsOffset + dataset.headerOffset();
      if (!isOther) {
        throw new MalformedFileException(
            main.bytes().name(),
            place,
            "HDF5_LAYOUT",
            "the values of '"
                + name
                + "' are "
                + dataset.storage().words()
                + ", expected in one piece, as Keras saves them: load the weights in Keras and save"
                + " them again");
      }
      return NamedTensor.opaque(name, counting, dataset.shape(), 0, main.bytes(), place);
    }
    NamedTensor tensor =
        NamedTensor.inPlace(
                name,
                variable.dtype().get(),
                dataset.shape(),
                dataset.order(),
                0,
                main.bytes(),
                weightsOffset + dataset.offset())
            .counted(counting);
    return dataset.storage() == Hdf5Storage.COMPACT
        ? tensor.fixed("its values are " + dataset.storage().words() + "; save it with Keras")
        : tensor;
  }

  private static Counting counting(KerasLayer layer, KerasVariable variable) {
    if (variable.role() == KerasRole.KEPT) {
      return Counting.KEPT_WEIGHT;
    }
    return layer.isFrozen() ? Counting.FROZEN_PARAMETER : Counting.PARAMETER;
  }
}
