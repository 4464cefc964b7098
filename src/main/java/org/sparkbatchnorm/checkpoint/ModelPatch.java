package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.sparkbatchnorm.checkpoint.ModelReader.ModelContents;
import org.sparkbatchnorm.format.ByteChange;
import org.sparkbatchnorm.format.ChangedBytes;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;

/** The bytes of a model that other running statistics change. Use once. */
final class ModelPatch {
  private final ModelContents contents;
  private final List<List<ByteChange>> changes = new ArrayList<>();

  ModelPatch(ModelContents contents) {
    this.contents = contents;
    contents.parts().forEach(part -> changes.add(new ArrayList<>()));
  }

  /** Replaces the statistics of one layer, and says what the layer is then. */
  CheckpointLayer replace(String name, StoredLayer stored, TypedStatistics statistics)
      throws MalformedFileException {
    DType meanType = stored.mean().dtype().orElseThrow();
    DType varianceType = stored.variance().dtype().orElseThrow();
    RunningStatistics ofMeanType = statistics.in(meanType);
    if (ofMeanType.channels() != stored.layer().channels()) {
      throw stored
          .mean()
          .malformed(
              "SHAPE_MISMATCH",
              "layer '"
                  + name
                  + "' has "
                  + stored.layer().channels()
                  + " channels in the model, but "
                  + ofMeanType.channels()
                  + " in the statistics");
    }
    double[] mean = ofMeanType.mean();
    double[] variance = statistics.in(varianceType).variance();
    put(stored.mean(), mean);
    put(stored.variance(), variance);
    CheckpointLayer layer = stored.layer().withStatistics(mean, variance);
    if (stored.batchesTracked().isPresent()) {
      put(stored.batchesTracked().get(), ofMeanType.miniBatches());
      layer = layer.withBatchesTracked(ofMeanType.miniBatches());
    }
    return layer;
  }

  private void put(NamedTensor tensor, double[] values) throws MalformedFileException {
    DType dtype = tensor.dtype().orElseThrow();
    ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes()).order(tensor.order());
    Elements.encode(dtype, values, values.length, bytes);
    put(tensor, bytes.array());
  }

  private void put(NamedTensor tensor, long value) throws MalformedFileException {
    DType dtype = tensor.dtype().orElseThrow();
    ByteBuffer bytes = ByteBuffer.allocate(dtype.bytes()).order(tensor.order());
    if (dtype != DType.I64 && value >> (dtype.bytes() * Byte.SIZE - 1) != 0) {
      throw tensor.malformed(
          "NOT_PATCHABLE",
          value + " mini-batches exceed the " + dtype + " of tensor '" + tensor.name() + "'");
    }
    switch (dtype.bytes()) {
      case Long.BYTES -> bytes.putLong(value);
      case Integer.BYTES -> bytes.putInt((int) value);
      case Short.BYTES -> bytes.putShort((short) value);
      default -> bytes.put((byte) value);
    }
    put(tensor, bytes.array());
  }

  private void put(NamedTensor tensor, byte[] bytes) throws MalformedFileException {
    if (tensor.obstacle().isPresent()) {
      throw tensor.malformed(
          "NOT_PATCHABLE",
          "tensor '"
              + tensor.name()
              + "' cannot be replaced where it stands: "
              + tensor.obstacle().get());
    }
    changes.get(tensor.part()).add(ByteChange.of(tensor.offset(), bytes));
  }

  /** The files with all changes, their checksums included. */
  List<ModelPart> parts() throws IOException {
    List<ModelPart> parts = new ArrayList<>();
    for (int i = 0; i < changes.size(); i++) {
      ModelPart part = contents.parts().get(i);
      List<ByteChange> all = new ArrayList<>(changes.get(i));
      all.addAll(contents.checksums().after(i, changes.get(i)));
      parts.add(new ModelPart(part.name(), new ChangedBytes(part.bytes(), all)));
    }
    return parts;
  }
}
