package org.sparkbatchnorm.source;

import java.util.List;

/**
 * What will be read, decided before anything is: layers in the order of their names, and splits.
 *
 * @param layers what each layer will hold
 * @param splits every element of every wanted tensor, each once
 * @param files number of files with a wanted tensor
 * @param tensors number of wanted tensors
 * @param bytes of all wanted tensors
 */
public record ActivationPlan(
    List<PlannedLayer> layers, List<Split> splits, int files, long tensors, long bytes) {

  /**
   * One layer.
   *
   * @param name of the layer
   * @param channels C
   * @param tensors number of tensors
   * @param miniBatches that hold a value
   * @param valuesPerChannel over all tensors
   * @param bytes over all tensors
   */
  public record PlannedLayer(
      String name,
      int channels,
      long tensors,
      long miniBatches,
      long valuesPerChannel,
      long bytes) {}
}
