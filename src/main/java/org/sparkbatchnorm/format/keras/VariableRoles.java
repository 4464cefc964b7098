package org.sparkbatchnorm.format.keras;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.hdf5.Hdf5Dataset;
import org.sparkbatchnorm.tensor.Shape;

/**
 * What the numbered variables of one layer are. Keras numbers those that are trained first, so a
 * BatchNormalization layer has gamma if it scales, beta if it centers, moving mean and variance:
 *
 * <pre>
 * vars/            0       1       2       3
 * usual            gamma   beta    mean    variance
 * scale=False      beta    mean    variance
 * center=False     gamma   mean    variance
 * neither          mean    variance
 * </pre>
 *
 * <p>The configuration says which it is. Where it does not, four or three vectors of one length are
 * such a layer (no other of Keras' has just those), and two are one if the layer's name or the user
 * says so: LayerNormalization has two as well. Batch renormalization, with three statistics more,
 * is not: a running variance alone replaced would contradict them.
 */
final class VariableRoles {
  private static final List<KerasRole> STATISTICS =
      List.of(KerasRole.MOVING_MEAN, KerasRole.MOVING_VARIANCE);

  /** Moving mean, variance and deviation, and the two of renormalization. */
  private static final int RENORMALIZATION = 5;

  private static final Pattern BATCH_NORMALIZATION = Pattern.compile("batch_normalization(_\\d+)?");

  private final String file;
  private final String path;
  private final Optional<String> name;
  private final List<Hdf5Dataset> datasets;

  VariableRoles(String file, String path, Optional<String> name, List<Hdf5Dataset> datasets) {
    this.file = file;
    this.path = path;
    this.name = name;
    this.datasets = datasets;
  }

  /**
   * The variables with their roles.
   *
   * @param config what the configuration says of the layer
   * @param named whether the user says that it is a BatchNormalization layer
   */
  List<KerasVariable> assign(Optional<KerasLayerConfig> config, boolean named)
      throws MalformedFileException {
    if (config.filter(KerasLayerConfig::isBatchNormalization).isPresent()) {
      return variables(described(config.get()));
    }
    List<KerasRole> roles = found(named);
    // A class of the user's own, made from Keras'.
    if (config.isPresent() && config.get().hasScale() != config.get().hasCenter()) {
      KerasRole only = config.get().hasScale() ? KerasRole.GAMMA : KerasRole.BETA;
      roles.replaceAll(role -> role == KerasRole.GAMMA_OR_BETA ? only : role);
    }
    return variables(roles);
  }

  private List<KerasVariable> variables(List<KerasRole> roles) {
    List<KerasVariable> variables = new ArrayList<>();
    for (int i = 0; i < datasets.size(); i++) {
      KerasRole role = roles.get(i);
      boolean trained = role != KerasRole.TRAINED || KerasVariable.isFloating(datasets.get(i));
      variables.add(KerasVariable.of(trained ? role : KerasRole.KEPT, datasets.get(i)));
    }
    return variables;
  }

  private List<KerasRole> described(KerasLayerConfig config) throws MalformedFileException {
    List<KerasRole> roles = new ArrayList<>();
    if (config.hasScale()) {
      roles.add(KerasRole.GAMMA);
    }
    if (config.hasCenter()) {
      roles.add(KerasRole.BETA);
    }
    int trained = roles.size();
    roles.addAll(STATISTICS);
    int expected = config.isRenormalizing() ? trained + RENORMALIZATION : roles.size();
    if (datasets.size() != expected || !areVectorsOfOneLength()) {
      throw new MalformedFileException(
          file,
          datasets.get(0).offset(),
          "LAYER_MISMATCH",
          "layer '"
              + name.orElse(path)
              + "' has "
              + datasets.size()
              + " variables, but its configuration says "
              + expected
              + " vectors of one length (scale "
              + config.hasScale()
              + ", center "
              + config.hasCenter()
              + ")");
    }
    return config.isRenormalizing() ? trainedFirst(trained) : roles;
  }

  private List<KerasRole> found(boolean named) {
    int count = datasets.size();
    if (!areVectorsOfOneLength()) {
      return others();
    }
    boolean isCalledSo = isCalledBatchNormalization();
    List<KerasRole> roles = new ArrayList<>();
    switch (count) {
      case 4 -> roles.addAll(List.of(KerasRole.GAMMA, KerasRole.BETA));
      case 3 -> roles.add(KerasRole.GAMMA_OR_BETA);
      case 2 -> {
        if (!named && !isCalledSo) {
          return others();
        }
      }
      default -> {
        return isCalledSo && count >= RENORMALIZATION && count <= RENORMALIZATION + 2
            ? trainedFirst(count - RENORMALIZATION)
            : others();
      }
    }
    roles.addAll(STATISTICS);
    return roles;
  }

  /** By the name of its class in the path, or by the name that Keras gave it after its class. */
  private boolean isCalledBatchNormalization() {
    return BATCH_NORMALIZATION.matcher(KerasWeights.lastName(path)).matches()
        || name.filter(called -> BATCH_NORMALIZATION.matcher(called).matches()).isPresent();
  }

  private boolean areVectorsOfOneLength() {
    Shape shape = datasets.get(0).shape();
    for (int i = 0; i < datasets.size(); i++) {
      Hdf5Dataset dataset = datasets.get(i);
      if (!KerasWeights.lastName(dataset.path()).equals(Integer.toString(i))
          || dataset.shape().rank() != 1
          || !dataset.shape().equals(shape)
          || !KerasVariable.isFloating(dataset)) {
        return false;
      }
    }
    return true;
  }

  private List<KerasRole> trainedFirst(int trained) {
    List<KerasRole> roles = new ArrayList<>();
    for (int i = 0; i < datasets.size(); i++) {
      roles.add(i < trained ? KerasRole.TRAINED : KerasRole.KEPT);
    }
    return roles;
  }

  /** All trained, unless they are those of Normalization: mean, variance and a whole number. */
  private List<KerasRole> others() {
    boolean isNormalization =
        datasets.size() == 3
            && KerasVariable.isFloating(datasets.get(0))
            && datasets.get(0).shape().equals(datasets.get(1).shape())
            && datasets.get(2).shape().rank() == 0
            && !KerasVariable.isFloating(datasets.get(2));
    return trainedFirst(isNormalization ? 0 : datasets.size());
  }
}
