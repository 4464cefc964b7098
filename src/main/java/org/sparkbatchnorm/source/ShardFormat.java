package org.sparkbatchnorm.source;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.format.safetensors.SafetensorsHeader;
import org.sparkbatchnorm.storage.IoFailure;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.storage.StoredInput;
import org.sparkbatchnorm.tensor.ElementOrder;

/**
 * The file formats whose headers say where each tensor's bytes stand. A new one is a constant here.
 */
public enum ShardFormat {
  /** Many named tensors a file. */
  SAFETENSORS(".safetensors") {
    @Override
    List<ShardTensor> tensors(ReadableBytes bytes, String fileName) throws IOException {
      return SafetensorsHeader.read(bytes).tensors().stream()
          .map(
              tensor ->
                  new ShardTensor(
                      tensor.name(),
                      tensor.dtype(),
                      ByteOrdering.LITTLE_ENDIAN,
                      ElementOrder.ROW_MAJOR,
                      tensor.shape(),
                      tensor.offset()))
          .toList();
    }
  },
  /** One tensor a file, named by the file. */
  NPY(".npy") {
    @Override
    List<ShardTensor> tensors(ReadableBytes bytes, String fileName) throws IOException {
      NpyHeader header = NpyHeader.read(bytes);
      String name =
          fileName.endsWith(extension())
              ? fileName.substring(0, fileName.length() - extension().length())
              : fileName;
      return List.of(
          new ShardTensor(
              name,
              header.dtype(),
              ByteOrdering.of(header.byteOrder()),
              header.order(),
              header.shape(),
              header.dataOffset()));
    }
  };

  private final String extension;

  ShardFormat(String extension) {
    this.extension = extension;
  }

  abstract List<ShardTensor> tensors(ReadableBytes bytes, String fileName) throws IOException;

  /** How names of such files end. */
  public String extension() {
    return extension;
  }

  /** The format that a file's name tells. */
  public static Optional<ShardFormat> ofFileName(String name) {
    return Arrays.stream(values()).filter(format -> name.endsWith(format.extension)).findFirst();
  }

  /**
   * Reads a file's header.
   *
   * @throws MalformedFileException if the file cannot be read, or is not of this format
   */
  public Shard read(Storage storage, StoredFile file) throws MalformedFileException {
    try (StoredInput input = storage.open(file)) {
      return new Shard(file, tensors(input, file.name()));
    } catch (IOException e) {
      throw IoFailure.describe(file.display(), e);
    }
  }
}
