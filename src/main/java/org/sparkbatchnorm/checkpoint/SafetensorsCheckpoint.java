package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.safetensors.SafetensorsHeader;
import org.sparkbatchnorm.format.safetensors.SafetensorsWriter;
import org.sparkbatchnorm.tensor.DType;

/** Checkpoints as safetensors files. */
public final class SafetensorsCheckpoint {
  private SafetensorsCheckpoint() {}

  /**
   * The file that holds a checkpoint under PyTorch's names; loads with {@code
   * load_state_dict(safetensors.torch.load_file(...))}.
   *
   * @throws IllegalArgumentException as {@link #encode(Checkpoint, DType, Naming)}
   */
  public static byte[] encode(Checkpoint checkpoint, DType dtype) {
    return encode(checkpoint, dtype, Naming.PYTORCH);
  }

  /**
   * The file that holds a checkpoint. The same checkpoint gives the same bytes: tensors of 8-byte
   * elements come first, then the layers in their order; metadata by key, with {@code format} set
   * to {@code pt}.
   *
   * <p>Before the bytes are returned they are read back with {@link #decode} and compared.
   *
   * @param dtype type of means, variances, gammas and betas; each value is rounded once, and what
   *     is too large becomes infinite
   * @throws IllegalArgumentException if the dtype has no fractions, there is no layer, or a name
   *     cannot be written
   * @throws IllegalStateException if what was written does not read back as the same
   */
  public static byte[] encode(Checkpoint checkpoint, DType dtype, Naming naming) {
    NewTensors written = NewTensors.of(checkpoint, dtype, naming);
    Map<String, String> metadata = new TreeMap<>(checkpoint.metadata());
    metadata.put(MetadataKeys.FORMAT, MetadataKeys.PYTORCH);
    // Long elements first (the sort is stable): every tensor is then aligned to its element size.
    List<NewTensors.Tensor> tensors = new ArrayList<>(written.tensors());
    tensors.sort((a, b) -> b.dtype().bytes() - a.dtype().bytes());

    SafetensorsWriter writer = new SafetensorsWriter();
    metadata.forEach(writer::addMetadata);
    for (NewTensors.Tensor tensor : tensors) {
      writer.addTensor(tensor.name(), tensor.dtype(), tensor.shape(), tensor.bytes().array());
    }
    byte[] file = writer.toBytes();
    written.requireReadsBack(ModelFormat.SAFETENSORS, file, metadata);
    return file;
  }

  /**
   * Reads a checkpoint. A layer is what has a running mean and a running variance, in PyTorch's or
   * Keras' names; other tensors are ignored. Values are not judged: see {@link
   * Checkpoint#parameters}.
   *
   * @throws org.sparkbatchnorm.format.MalformedFileException with a code of {@link
   *     SafetensorsHeader#read}, or one of these and the offset of the tensor's data:
   *     <ul>
   *       <li>NO_LAYERS: no tensor is a running mean or variance
   *       <li>LAYER_INCOMPLETE: a running mean without running variance, or the other way round
   *       <li>LAYER_AMBIGUOUS: the same thing under two names
   *       <li>SHAPE_MISMATCH: not of rank 1, or of another length than the running mean; a number
   *           of mini-batches that is not one number
   *       <li>DTYPE: integers where fractions are expected, or the other way round
   *       <li>TOO_MANY_CHANNELS: more than 2^24 in all layers
   *     </ul>
   *
   * @throws IOException if reading fails, or the file is shorter than it said
   */
  public static Checkpoint decode(ReadableBytes file) throws IOException {
    return Model.decode(ModelFormat.SAFETENSORS, file);
  }
}
