package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.safetensors.SafetensorsHeader;
import org.sparkbatchnorm.format.safetensors.SafetensorsWriter;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

/** Checkpoints as safetensors files. */
public final class SafetensorsCheckpoint {
  private SafetensorsCheckpoint() {}

  private record Tensor(String name, DType dtype, Shape shape, ByteBuffer bytes) {}

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
    if (!dtype.isFloating()) {
      throw new IllegalArgumentException(
          "dtype " + dtype + " of a checkpoint must be a floating-point type");
    }
    if (checkpoint.layers().isEmpty()) {
      throw new IllegalArgumentException("a checkpoint without layers");
    }
    Map<String, String> metadata = new TreeMap<>(checkpoint.metadata());
    metadata.put(MetadataKeys.FORMAT, MetadataKeys.PYTORCH);

    List<Tensor> tensors = new ArrayList<>();
    Map<String, CheckpointLayer> rounded = new LinkedHashMap<>();
    checkpoint
        .layers()
        .forEach(
            (name, layer) -> {
              CheckpointLayer named = naming.inOwnTerms(layer);
              addTensors(name, named, dtype, naming, tensors);
              rounded.put(name, named.rounded(dtype));
            });
    // Long elements first (the sort is stable): every tensor is then aligned to its element size.
    tensors.sort((a, b) -> b.dtype().bytes() - a.dtype().bytes());

    SafetensorsWriter writer = new SafetensorsWriter();
    metadata.forEach(writer::addMetadata);
    for (Tensor tensor : tensors) {
      writer.addTensor(tensor.name(), tensor.dtype(), tensor.shape(), tensor.bytes().array());
    }
    byte[] file = writer.toBytes();
    requireReadsBack(file, Checkpoint.of(rounded, metadata));
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

  private static void addTensors(
      String name, CheckpointLayer layer, DType dtype, Naming naming, List<Tensor> tensors) {
    layer
        .gamma()
        .ifPresent(gamma -> tensors.add(tensor(TensorRole.GAMMA.in(name, naming), dtype, gamma)));
    layer
        .beta()
        .ifPresent(beta -> tensors.add(tensor(TensorRole.BETA.in(name, naming), dtype, beta)));
    tensors.add(tensor(TensorRole.MEAN.in(name, naming), dtype, layer.mean()));
    tensors.add(tensor(TensorRole.VARIANCE.in(name, naming), dtype, layer.variance()));
    layer
        .batchesTracked()
        .ifPresent(
            batches ->
                tensors.add(
                    new Tensor(
                        TensorRole.BATCHES_TRACKED.in(name, naming),
                        DType.I64,
                        Shape.of(),
                        littleEndian(Long.BYTES).putLong(batches))));
  }

  private static Tensor tensor(String name, DType dtype, double[] values) {
    ByteBuffer bytes = littleEndian(Math.multiplyExact(values.length, dtype.bytes()));
    Elements.encode(dtype, values, values.length, bytes);
    return new Tensor(name, dtype, Shape.of(values.length), bytes.rewind());
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void requireReadsBack(byte[] file, Checkpoint expected) {
    Checkpoint found;
    try (ReadableBytes written = ReadableBytes.of("checkpoint just written", file)) {
      found = decode(written);
    } catch (IOException e) {
      throw new IllegalStateException("the checkpoint just written cannot be read back", e);
    }
    if (!found.equals(expected)) {
      throw new IllegalStateException("the checkpoint just written reads back as another one");
    }
  }
}
