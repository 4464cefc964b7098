package org.sparkbatchnorm.format.keras;

import java.util.List;
import java.util.Optional;

/**
 * A layer, or any other part of a model that has variables.
 *
 * @param path of its group, without {@code vars}; empty for the model itself
 * @param name what it is called in Python; empty where the file does not say
 * @param names its own name after those of the models and layers that it is inside, without the
 *     outermost; empty where the file does not say one of them
 * @param config what the model's configuration says of it; empty if nothing
 * @param variables in their order
 */
public record KerasLayer(
    String path,
    Optional<String> name,
    List<String> names,
    Optional<KerasLayerConfig> config,
    List<KerasVariable> variables) {

  /** Copies the lists. */
  public KerasLayer {
    names = List.copyOf(names);
    variables = List.copyOf(variables);
  }

  /** Whether it is a BatchNormalization layer. */
  public boolean isBatchNorm() {
    return variables.stream().anyMatch(variable -> variable.role() == KerasRole.MOVING_MEAN);
  }

  /** Whether its variables are not trained, as its configuration says. */
  public boolean isFrozen() {
    return config.isPresent() && !config.get().isTrainable();
  }
}
