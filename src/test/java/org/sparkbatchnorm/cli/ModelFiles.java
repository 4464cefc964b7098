package org.sparkbatchnorm.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.Model;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.checkpoint.ModelOptions;
import org.sparkbatchnorm.format.safetensors.SafetensorsWriter;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

/** Small models as safetensors files, and what is in a file afterwards. */
final class ModelFiles {
  private ModelFiles() {}

  static void add(SafetensorsWriter writer, String name, DType dtype, double... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    Elements.encode(dtype, values, values.length, bytes);
    writer.addTensor(name, dtype, Shape.of(values.length), bytes.array());
  }

  /** A convolution, and a BatchNorm layer of one channel for each of these names. */
  static Path write(Path file, String... layers) throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    writer.addMetadata("format", "pt");
    add(writer, "conv.weight", DType.F32, 0.5, 0.25);
    for (String layer : layers) {
      add(writer, layer + ".weight", DType.F32, 2);
      add(writer, layer + ".bias", DType.F32, 3);
      add(writer, layer + ".running_mean", DType.F32, 0);
      add(writer, layer + ".running_var", DType.F32, 1);
      writer.addTensor(layer + ".num_batches_tracked", DType.I64, Shape.of(), new byte[8]);
    }
    return Files.write(file, writer.toBytes());
  }

  static Checkpoint read(Path file) throws IOException {
    ModelFormat format = ModelFormat.ofPath(file.toString()).orElseThrow();
    try (Model model =
        Model.open(Storage.ofClassPath(), file.toString(), format, ModelOptions.none())) {
      return model.checkpoint();
    }
  }
}
