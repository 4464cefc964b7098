package org.sparkbatchnorm.checkpoint;

import org.sparkbatchnorm.format.torch.TorchWriter;
import org.sparkbatchnorm.tensor.DType;

/** New checkpoints as files of {@code torch.save}. */
final class TorchCheckpoint {
  private TorchCheckpoint() {}

  /**
   * The file that holds a checkpoint; loads with {@code load_state_dict(torch.load(...,
   * weights_only=True))}. The same checkpoint gives the same bytes: the layers in their order, each
   * as its module's {@code state_dict()} has it. Read back and compared.
   *
   * @throws IllegalArgumentException as {@link ModelFormat#encode}
   */
  static byte[] encode(Checkpoint checkpoint, DType dtype, Naming naming) {
    NewTensors tensors = NewTensors.of(checkpoint, dtype, naming);
    TorchWriter writer = new TorchWriter();
    checkpoint.metadata().forEach(writer::addMetadata);
    for (NewTensors.Tensor tensor : tensors.tensors()) {
      writer.addTensor(tensor.name(), tensor.dtype(), tensor.shape(), tensor.bytes().array());
    }
    byte[] file = writer.toBytes();
    tensors.requireReadsBack(ModelFormat.TORCH, file, checkpoint.metadata());
    return file;
  }
}
