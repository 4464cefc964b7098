package org.sparkbatchnorm.source;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
    Shard read(StoredFile file, ReadableBytes bytes) throws IOException {
      SafetensorsHeader header = SafetensorsHeader.read(bytes);
      List<ShardTensor> tensors =
          header.tensors().stream()
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
      return new Shard(file, new TreeMap<>(header.metadata()), tensors);
    }
  },
  /** One tensor a file, named by the file. */
  NPY(".npy") {
    @Override
    Shard read(StoredFile file, ReadableBytes bytes) throws IOException {
      NpyHeader header = NpyHeader.read(bytes);
      String name =
          file.name().endsWith(extension())
              ? file.name().substring(0, file.name().length() - extension().length())
              : file.name();
      ShardTensor tensor =
          new ShardTensor(
              name,
              header.dtype(),
              ByteOrdering.of(header.byteOrder()),
              header.order(),
              header.shape(),
              header.dataOffset());
      return new Shard(file, Map.of(), List.of(tensor));
    }
  };

  private final String extension;

  ShardFormat(String extension) {
    this.extension = extension;
  }

  abstract Shard read(StoredFile file, ReadableBytes bytes) throws IOException;

  /** How names of such files end. */
  public String extension() {
    return extension;
  }

  /**
   * Reads a file's header.
   *
   * @throws MalformedFileException if the file cannot be read, or is not of this format
   */
  public Shard read(Storage storage, StoredFile file) throws MalformedFileException {
    try (StoredInput input = storage.open(file)) {
      return read(file, input);
    } catch (IOException e) {
      throw IoFailure.describe(file.display(), e);
    }
  }
}
