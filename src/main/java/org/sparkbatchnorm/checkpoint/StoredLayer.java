package org.sparkbatchnorm.checkpoint;

import java.util.Optional;

/** A layer of a model, and the tensors that hold its running statistics. */
record StoredLayer(
    CheckpointLayer layer,
    NamedTensor mean,
    NamedTensor variance,
    Optional<NamedTensor> batchesTracked) {}
