package org.sparkbatchnorm.checkpoint;

import java.util.Optional;
import java.util.Set;

/**
 * What has to be known about a model that its file does not say.
 *
 * @param stateDict key of the state dict inside a .pt file; empty to look for it
 * @param layers names of layers that are BatchNorm layers even where nothing in the file says so
 */
public record ModelOptions(Optional<String> stateDict, Set<String> layers) {

  /** Copies the set. */
  public ModelOptions {
    layers = Set.copyOf(layers);
  }

  /** Nothing. */
  public static ModelOptions none() {
    return new ModelOptions(Optional.empty(), Set.of());
  }
}
