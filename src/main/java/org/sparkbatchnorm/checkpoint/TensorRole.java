package org.sparkbatchnorm.checkpoint;

import java.util.Optional;

/** What a tensor is to its layer, told by the last part of its name. */
enum TensorRole {
  MEAN("running_mean", "moving_mean"),
  VARIANCE("running_var", "moving_variance"),
  GAMMA("weight", "gamma"),
  BETA("bias", "beta"),
  BATCHES_TRACKED("num_batches_tracked", "num_batches_tracked");

  private final String pytorch;
  private final String keras;

  TensorRole(String pytorch, String keras) {
    this.pytorch = pytorch;
    this.keras = keras;
  }

  /**
   * A tensor's layer and role.
   *
   * @param layer what comes before the last dot or slash; empty if there is none
   */
  record Name(String layer, TensorRole role) {
    /** What a tensor's name says, if its last part is a known one. */
    static Optional<Name> parse(String tensor) {
      int separator = Math.max(tensor.lastIndexOf('.'), tensor.lastIndexOf('/'));
      String word = tensor.substring(separator + 1);
      for (TensorRole role : values()) {
        if (word.equals(role.pytorch) || word.equals(role.keras)) {
          return Optional.of(new Name(tensor.substring(0, Math.max(separator, 0)), role));
        }
      }
      return Optional.empty();
    }
  }

  /** PyTorch's name for this tensor of a layer. */
  String pytorchName(String layer) {
    return layer.isEmpty() ? pytorch : layer + "." + pytorch;
  }
}
