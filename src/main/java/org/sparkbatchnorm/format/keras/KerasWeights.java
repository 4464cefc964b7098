package org.sparkbatchnorm.format.keras;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.hdf5.Hdf5Dataset;
import org.sparkbatchnorm.format.hdf5.Hdf5File;
import org.sparkbatchnorm.format.hdf5.Hdf5Group;

/**
 * The weights of a model as Keras 3 keeps them in HDF5, in layers. What the optimizer and random
 * generators keep beside them is left out, as Keras' own {@code weights} leave it out. Immutable.
 */
public final class KerasWeights {
  static final String DTYPE = "dtype";

  private static final String NAME = "name";
  private static final String VARIABLES = "vars";

  /** Of a file of Keras 2, at the root, or below it in a file of a whole model. */
  private static final String LEGACY = "layer_names";

  private static final Pattern LEFT_OUT =
      Pattern.compile("(.*/)?(optimizer|seed_generator(_[0-9]+)?)/.*");

  private final List<KerasLayer> layers;

  private KerasWeights(List<KerasLayer> layers) {
    this.layers = List.copyOf(layers);
  }

  /**
   * Reads what describes the weights, and none of their values.
   *
   * @param config of the model, as far as it is known
   * @param batchNorms paths or names of layers that are BatchNormalization layers even where
   *     nothing in the files says so
   * @throws MalformedFileException with a code of {@link Hdf5File#read}, or
   *     <ul>
   *       <li>HDF5_LEGACY: weights as Keras 2 kept them
   *       <li>LAYER_MISMATCH: a layer has other variables than its configuration says
   *     </ul>
   *
   * @throws IOException if reading fails
   */
  public static KerasWeights read(ReadableBytes file, KerasConfig config, Set<String> batchNorms)
      throws IOException {
    return new Reader(file, config, batchNorms).read();
  }

  /** The layers with variables, each after what it is inside, numbered ones in their order. */
  public List<KerasLayer> layers() {
    return layers;
  }

  private static final class Reader {
    private final ReadableBytes file;
    private final KerasConfig config;
    private final Set<String> batchNorms;
    private final Map<String, String> namesByPath = new HashMap<>();
    private final Map<String, List<Hdf5Dataset>> variables = new LinkedHashMap<>();

    Reader(ReadableBytes file, KerasConfig config, Set<String> batchNorms) {
      this.file = file;
      this.config = config;
      this.batchNorms = batchNorms;
    }

    KerasWeights read() throws IOException {
      Hdf5File contents = Hdf5File.read(file, Set.of(NAME, DTYPE, LEGACY));
      for (Hdf5Group group : contents.groups()) {
        if (group.attributes().containsKey(LEGACY)) {
          throw new MalformedFileException(
              file.name(),
              MalformedFileException.NO_OFFSET,
              "HDF5_LEGACY",
              "weights as Keras 2 kept them; load the model in Keras 3 and save it as .keras or"
                  + " .weights.h5");
        }
        String name = group.attributes().getOrDefault(NAME, "");
        if (isVariables(group.path()) && !name.isEmpty()) {
          namesByPath.put(parent(group.path()), name);
        }
      }
      for (Hdf5Dataset dataset : contents.datasets()) {
        String group = parent(dataset.path());
        if (isVariables(group) && !LEFT_OUT.matcher(group).matches()) {
          variables.computeIfAbsent(parent(group), path -> new ArrayList<>()).add(dataset);
        }
      }
      List<KerasLayer> layers = new ArrayList<>();
      for (Map.Entry<String, List<Hdf5Dataset>> layer : variables.entrySet()) {
        if (!isOptimizer(layer.getValue())) {
          layers.add(layer(layer.getKey(), layer.getValue()));
        }
      }
      return new KerasWeights(layers);
    }

    private static boolean isVariables(String path) {
      return lastName(path).equals(VARIABLES);
    }

    /** Optimizers that are attributes of a model begin with the number of steps and the rate. */
    private static boolean isOptimizer(List<Hdf5Dataset> datasets) {
      return datasets.size() >= 2
          && datasets.get(0).shape().rank() == 0
          && datasets.get(1).shape().rank() == 0
          && !KerasVariable.isFloating(datasets.get(0))
          && KerasVariable.isFloating(datasets.get(1));
    }

    private KerasLayer layer(String path, List<Hdf5Dataset> datasets) throws IOException {
      Optional<String> name = Optional.ofNullable(namesByPath.get(path));
      List<String> names = name.isPresent() ? names(path) : List.of();
      Optional<KerasLayerConfig> described =
          names.isEmpty() ? Optional.empty() : config.layer(names);
      VariableRoles roles = new VariableRoles(file.name(), path, name, datasets);
      boolean named =
          batchNorms.contains(path)
              || name.filter(batchNorms::contains).isPresent()
              || batchNorms.contains(String.join("/", names));
      return new KerasLayer(path, name, names, described, roles.assign(described, named));
    }

    /** The names of what is around, and its own. */
    private List<String> names(String path) {
      List<String> names = new ArrayList<>();
      for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
        Optional.ofNullable(namesByPath.get(path.substring(0, slash))).ifPresent(names::add);
      }
      if (!path.isEmpty()) {
        names.add(namesByPath.get(path));
      }
      return names;
    }

    private static String parent(String path) {
      return path.substring(0, Math.max(0, path.lastIndexOf('/')));
    }
  }

  static String lastName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }
}
