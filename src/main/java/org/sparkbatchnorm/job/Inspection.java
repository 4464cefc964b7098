package org.sparkbatchnorm.job;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.ParameterCounts;
import org.sparkbatchnorm.source.ActivationPlan.PlannedLayer;

/**
 * What is in a checkpoint or in activations.
 *
 * @param kind which of the two
 * @param format of the file or files
 * @param metadata of the file; of several, what all of them agree in
 * @param layers in the order of the checkpoint, or of their names
 * @param parameters how many numbers are in a checkpoint
 */
public record Inspection(
    Kind kind,
    String format,
    Map<String, String> metadata,
    List<Layer> layers,
    Optional<ParameterCounts> parameters) {

  /** What was inspected. */
  public enum Kind {
    CHECKPOINT,
    ACTIVATIONS
  }

  /**
   * One layer.
   *
   * @param name of the layer
   * @param channels C
   * @param dtype of the values; several are joined by commas
   * @param statistics in a checkpoint
   * @param activations in activations
   */
  public record Layer(
      String name,
      int channels,
      String dtype,
      Optional<CheckpointLayer> statistics,
      Optional<PlannedLayer> activations) {

    static Layer ofCheckpoint(String name, CheckpointLayer layer) {
      return new Layer(
          name, layer.channels(), layer.dtype().name(), Optional.of(layer), Optional.empty());
    }

    /** What is wrong with its statistics, or likely to be, a clause each. */
    List<String> suspicions() {
      return statistics.map(LayerSuspicions::of).orElse(List.of());
    }

    static Layer ofActivations(PlannedLayer layer, String dtype) {
      return new Layer(layer.name(), layer.channels(), dtype, Optional.empty(), Optional.of(layer));
    }
  }
}
