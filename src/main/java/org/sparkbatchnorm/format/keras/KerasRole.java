package org.sparkbatchnorm.format.keras;

/** What a variable is to its layer. */
public enum KerasRole {
  /** BatchNormalization's scale. */
  GAMMA("gamma"),
  /** BatchNormalization's shift. */
  BETA("beta"),
  /** The only one of the two that a layer has, where nothing says which. */
  GAMMA_OR_BETA("gamma_or_beta"),
  /** BatchNormalization's running mean. */
  MOVING_MEAN("moving_mean"),
  /** BatchNormalization's running variance. */
  MOVING_VARIANCE("moving_variance"),
  /** Any other that is trained, unless its layer is frozen. */
  TRAINED("trained"),
  /** Any other that is not trained: indices, counts, statistics of other layers. */
  KEPT("kept");

  private final String word;

  KerasRole(String word) {
    this.word = word;
  }

  /** Keras' name of the variable, for those of BatchNormalization. */
  public String word() {
    return word;
  }
}
