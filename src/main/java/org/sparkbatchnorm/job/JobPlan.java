package org.sparkbatchnorm.job;

import java.util.List;

/**
 * What a job will read: the result of {@code --dry-run}.
 *
 * @param layers in the order of their names
 * @param files number of files
 * @param tensors number of tensors, or of table rows
 * @param bytes of all wanted tensors; for Parquet, of the files
 * @param splits number of tasks
 */
public record JobPlan(List<Layer> layers, int files, long tensors, long bytes, int splits) {

  /**
   * One layer.
   *
   * @param name of the layer
   * @param channels C
   * @param tensors number of tensors, or of table rows
   * @param valuesPerChannel over all tensors
   */
  public record Layer(String name, int channels, long tensors, long valuesPerChannel) {}

  /** As {@code 3 layers, 54 tensors in 18 files, 1.6 MB, 1 split}. */
  String summary() {
    return String.join(
        ", ",
        Quantity.of(layers.size(), "layer"),
        Quantity.of(tensors, "tensor") + " in " + Quantity.of(files, "file"),
        ByteCount.text(bytes),
        Quantity.of(splits, "split"));
  }
}
