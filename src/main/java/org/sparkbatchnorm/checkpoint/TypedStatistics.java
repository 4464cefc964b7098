package org.sparkbatchnorm.checkpoint;

import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.tensor.DType;

/** Running statistics of a layer that can be had in any floating-point type, rounded once to it. */
@FunctionalInterface
public interface TypedStatistics {
  /** The statistics, every value one of this type. */
  RunningStatistics in(DType dtype);

  /**
   * Those that a layer has, rounded from there.
   *
   * @param miniBatches the number that goes with them
   */
  static TypedStatistics of(CheckpointLayer layer, long miniBatches) {
    return dtype -> {
      CheckpointLayer rounded = layer.rounded(dtype);
      return RunningStatistics.of(rounded.mean(), rounded.variance(), miniBatches);
    };
  }
}
