package org.sparkbatchnorm.checkpoint;

import org.sparkbatchnorm.layer.Convention;

/** Whose words name the tensors of a new checkpoint. Readers take either. */
public enum Naming {
  /** {@code running_mean}, {@code running_var}, {@code num_batches_tracked}, weight, bias. */
  PYTORCH,
  /** {@code moving_mean}, {@code moving_variance}, gamma, beta; the batches have no name there. */
  KERAS,
  /** {@code /mean}, {@code /variance}, gamma, beta after a slash: npz; the batches have no name. */
  NEUTRAL;

  /** Whether the number of mini-batches has a name. */
  public boolean hasBatches() {
    return this == PYTORCH;
  }

  /** A layer without what has no name here. */
  CheckpointLayer inOwnTerms(CheckpointLayer layer) {
    return hasBatches() ? layer : layer.withoutBatchesTracked();
  }

  /** The naming of a convention: Keras' own for its two, PyTorch's for all others. */
  public static Naming of(Convention convention) {
    return convention == Convention.KERAS || convention == Convention.KERAS_FUSED ? KERAS : PYTORCH;
  }
}
