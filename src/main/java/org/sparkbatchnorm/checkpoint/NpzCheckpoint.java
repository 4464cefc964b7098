package org.sparkbatchnorm.checkpoint;

import org.sparkbatchnorm.format.npy.NpzWriter;
import org.sparkbatchnorm.tensor.DType;

/** New checkpoints as npz files, in names that belong to no framework. */
final class NpzCheckpoint {
  private NpzCheckpoint() {}

  /**
   * The file that holds a checkpoint; loads with {@code numpy.load(...)}. The same checkpoint gives
   * the same bytes: the metadata, then the layers in their order, {@code LAYER/gamma}, {@code
   * LAYER/beta}, {@code LAYER/mean}, {@code LAYER/variance}. The numbers of mini-batches stand in
   * the metadata alone. Read back and compared.
   *
   * @throws IllegalArgumentException as {@link ModelFormat#encode}
   */
  static byte[] encode(Checkpoint checkpoint, DType dtype) {
    NewTensors tensors = NewTensors.of(checkpoint, dtype, Naming.NEUTRAL);
    NpzWriter writer = new NpzWriter(checkpoint.metadata());
    for (NewTensors.Tensor tensor : tensors.tensors()) {
      writer.addArray(tensor.name(), tensor.dtype(), tensor.shape(), tensor.bytes().array());
    }
    byte[] file = writer.toBytes();
    tensors.requireReadsBack(ModelFormat.NPZ, file, checkpoint.metadata());
    return file;
  }
}
