package org.sparkbatchnorm.format.keras;

import java.util.OptionalDouble;

/**
 * What {@code config.json} says of a layer; what it does not say is as Keras has it by default.
 *
 * @param className name of the layer's class
 * @param isTrainable whether its variables are trained
 * @param hasScale of BatchNormalization: whether there is a gamma
 * @param hasCenter of BatchNormalization: whether there is a beta
 * @param isRenormalizing of BatchNormalization: whether it is the layer of arXiv 1702.03275, which
 *     has three running statistics more
 * @param epsilon of BatchNormalization, if it says
 */
public record KerasLayerConfig(
    String className,
    boolean isTrainable,
    boolean hasScale,
    boolean hasCenter,
    boolean isRenormalizing,
    OptionalDouble epsilon) {
  private static final String BATCH_NORMALIZATION = "BatchNormalization";

  /** Whether the class is Keras' own, or one of the user's of the same name. */
  boolean isBatchNormalization() {
    return className.equals(BATCH_NORMALIZATION);
  }
}
