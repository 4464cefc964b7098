package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

/**
 * A new checkpoint as tensors, every value rounded once to the type chosen: what each format writes
 * in its own way, and what it must read back.
 */
final class NewTensors {
  private final Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
  private final List<Tensor> tensors = new ArrayList<>();
  private final DType dtype;
  private final Naming naming;

  private NewTensors(DType dtype, Naming naming) {
    this.dtype = dtype;
    this.naming = naming;
  }

  /**
   * A tensor.
   *
   * @param bytes its elements, little-endian and row-major
   */
  record Tensor(String name, DType dtype, Shape shape, ByteBuffer bytes) {}

  /**
   * The tensors of these layers, in their order: gamma, beta, mean, variance, number of
   * mini-batches.
   *
   * @throws IllegalArgumentException if the dtype has no fractions, or there is no layer
   */
  static NewTensors of(Checkpoint checkpoint, DType dtype, Naming naming) {
    if (!dtype.isFloating()) {
      throw new IllegalArgumentException(
          "dtype " + dtype + " of a checkpoint must be a floating-point type");
    }
    if (checkpoint.layers().isEmpty()) {
      throw new IllegalArgumentException("a checkpoint without layers");
    }
    NewTensors tensors = new NewTensors(dtype, naming);
    checkpoint.layers().forEach(tensors::add);
    return tensors;
  }

  private void add(String name, CheckpointLayer layer) {
    CheckpointLayer own = naming.inOwnTerms(layer);
    layers.put(name, own.rounded(dtype));
    own.gamma().ifPresent(gamma -> add(TensorRole.GAMMA, name, gamma));
    own.beta().ifPresent(beta -> add(TensorRole.BETA, name, beta));
    add(TensorRole.MEAN, name, own.mean());
    add(TensorRole.VARIANCE, name, own.variance());
    own.batchesTracked()
        .ifPresent(
            batches ->
                tensors.add(
                    new Tensor(
                        TensorRole.BATCHES_TRACKED.in(name, naming),
                        DType.I64,
                        Shape.of(),
                        littleEndian(Long.BYTES).putLong(batches).rewind())));
  }

  private void add(TensorRole role, String layer, double[] values) {
    ByteBuffer bytes = littleEndian(Math.multiplyExact(values.length, dtype.bytes()));
    Elements.encode(dtype, values, values.length, bytes);
    tensors.add(new Tensor(role.in(layer, naming), dtype, Shape.of(values.length), bytes.rewind()));
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** All of them. */
  List<Tensor> tensors() {
    return tensors;
  }

  /**
   * Reads a file that was made of them.
   *
   * @param metadata that it must hold
   * @throws IllegalStateException if it holds something else, or is not read at all
   */
  void requireReadsBack(ModelFormat format, byte[] file, Map<String, String> metadata) {
    Checkpoint found;
    try (ReadableBytes written = ReadableBytes.of("checkpoint just written", file)) {
      found = Model.decode(format, written);
    } catch (IOException e) {
      throw new IllegalStateException("the checkpoint just written cannot be read back", e);
    }
    if (!found.equals(Checkpoint.of(layers, metadata))) {
      throw new IllegalStateException("the checkpoint just written reads back as another one");
    }
  }
}
