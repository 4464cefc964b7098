package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.safetensors.SafetensorsHeader;
import org.sparkbatchnorm.format.safetensors.SafetensorsTensor;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;

/**
 * The BatchNorm layers among the tensors of a safetensors file: whatever has a running mean or a
 * running variance. All else is ignored. Use once.
 */
final class SafetensorsLayers {
  /** Of all layers together; networks have some 100,000. */
  private static final long MAX_CHANNELS = 1 << 24;

  private static final int VALUES_PER_READ = 1 << 16;

  private final ReadableBytes file;
  private final Map<String, Map<TensorRole, SafetensorsTensor>> found = new LinkedHashMap<>();
  private long channels;

  SafetensorsLayers(ReadableBytes file) {
    this.file = file;
  }

  /** The layers, in the order of their first running statistic in the file. */
  Map<String, CheckpointLayer> read(SafetensorsHeader header) throws IOException {
    for (SafetensorsTensor tensor : header.tensors()) {
      TensorRole.Name.parse(tensor.name())
          .filter(name -> name.role() == TensorRole.MEAN || name.role() == TensorRole.VARIANCE)
          .ifPresent(name -> found.putIfAbsent(name.layer(), new EnumMap<>(TensorRole.class)));
    }
    if (found.isEmpty()) {
      throw new MalformedFileException(
          file.name(),
          MalformedFileException.NO_OFFSET,
          "NO_LAYERS",
          "none of the "
              + header.tensors().size()
              + " tensors is a running mean or variance (running_mean, running_var, moving_mean,"
              + " moving_variance)");
    }
    for (SafetensorsTensor tensor : header.tensors()) {
      assign(tensor);
    }
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    for (Map.Entry<String, Map<TensorRole, SafetensorsTensor>> entry : found.entrySet()) {
      layers.put(entry.getKey(), layer(entry.getKey(), entry.getValue()));
    }
    return layers;
  }

  private void assign(SafetensorsTensor tensor) throws MalformedFileException {
    TensorRole.Name name = TensorRole.Name.parse(tensor.name()).orElse(null);
    if (name == null || !found.containsKey(name.layer())) {
      return;
    }
    SafetensorsTensor other = found.get(name.layer()).put(name.role(), tensor);
    if (other != null) {
      throw malformed(
          tensor,
          "LAYER_AMBIGUOUS",
          "two names for the same thing: '" + other.name() + "' and '" + tensor.name() + "'");
    }
  }

  private CheckpointLayer layer(String name, Map<TensorRole, SafetensorsTensor> tensors)
      throws IOException {
    SafetensorsTensor mean = tensors.get(TensorRole.MEAN);
    SafetensorsTensor variance = tensors.get(TensorRole.VARIANCE);
    if (mean == null || variance == null) {
      throw malformed(
          mean == null ? variance : mean,
          "LAYER_INCOMPLETE",
          (mean == null
                  ? "running variance without running mean"
                  : "running mean without running variance")
              + " in layer '"
              + name
              + "'");
    }
    channels += mean.shape().elements();
    if (channels > MAX_CHANNELS) {
      throw malformed(
          mean, "TOO_MANY_CHANNELS", "more than " + MAX_CHANNELS + " channels in all layers");
    }
    CheckpointLayer layer =
        CheckpointLayer.located(
            floating(mean),
            values(mean, mean),
            mean.offset(),
            values(variance, mean),
            variance.offset());
    SafetensorsTensor gamma = tensors.get(TensorRole.GAMMA);
    if (gamma != null) {
      layer = layer.withGamma(values(gamma, mean));
    }
    SafetensorsTensor beta = tensors.get(TensorRole.BETA);
    if (beta != null) {
      layer = layer.withBeta(values(beta, mean));
    }
    SafetensorsTensor batchesTracked = tensors.get(TensorRole.BATCHES_TRACKED);
    return batchesTracked == null ? layer : layer.withBatchesTracked(integer(batchesTracked));
  }

  /** The values of a tensor of shape [C], where C is that of the running mean. */
  private double[] values(SafetensorsTensor tensor, SafetensorsTensor mean) throws IOException {
    floating(tensor);
    if (tensor.shape().rank() != 1 || !tensor.shape().equals(mean.shape())) {
      throw malformed(
          tensor,
          "SHAPE_MISMATCH",
          "shape "
              + tensor.shape()
              + ", expected "
              + (mean.shape().rank() == 1 ? mean.shape() + " as the running mean" : "one axis")
              + ", of tensor '"
              + tensor.name()
              + "'");
    }
    DType dtype = tensor.dtype();
    double[] values = new double[(int) tensor.shape().elements()];
    double[] part = new double[Math.min(VALUES_PER_READ, values.length)];
    byte[] bytes = new byte[part.length * dtype.bytes()];
    for (int from = 0; from < values.length; from += part.length) {
      int count = Math.min(part.length, values.length - from);
      file.readFully(
          tensor.offset() + (long) from * dtype.bytes(), bytes, 0, count * dtype.bytes());
      Elements.decode(dtype, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), part, count);
      System.arraycopy(part, 0, values, from, count);
    }
    return values;
  }

  private DType floating(SafetensorsTensor tensor) throws MalformedFileException {
    if (!tensor.dtype().isFloating()) {
      throw malformed(
          tensor,
          "DTYPE",
          "dtype "
              + tensor.dtype()
              + ", expected a floating-point type, of tensor '"
              + tensor.name()
              + "'");
    }
    return tensor.dtype();
  }

  private long integer(SafetensorsTensor tensor) throws IOException {
    if (tensor.dtype().isFloating()) {
      throw malformed(
          tensor,
          "DTYPE",
          "dtype " + tensor.dtype() + ", expected an integer, of tensor '" + tensor.name() + "'");
    }
    if (tensor.shape().elements() != 1) {
      throw malformed(
          tensor,
          "SHAPE_MISMATCH",
          "shape "
              + tensor.shape()
              + ", expected a single number, of tensor '"
              + tensor.name()
              + "'");
    }
    byte[] bytes = new byte[tensor.dtype().bytes()];
    file.readFully(tensor.offset(), bytes, 0, bytes.length);
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (tensor.dtype() == DType.I64) {
      return buffer.getLong();
    }
    double[] value = new double[1];
    Elements.decode(tensor.dtype(), buffer, value, 1);
    return (long) value[0];
  }

  private MalformedFileException malformed(SafetensorsTensor tensor, String code, String reason) {
    return new MalformedFileException(file.name(), tensor.offset(), code, reason);
  }
}
