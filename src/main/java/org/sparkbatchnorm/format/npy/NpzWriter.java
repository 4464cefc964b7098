package org.sparkbatchnorm.format.npy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.sparkbatchnorm.format.MetadataJson;
import org.sparkbatchnorm.format.zip.ZipWriter;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * A small npz file, put together in memory: the metadata, then arrays in the order added, stored.
 * The same calls give the same bytes. Loads with {@code numpy.load(..., allow_pickle=False)}. It
 * refuses what {@link NpzFile} would refuse. Not thread-safe.
 */
public final class NpzWriter {
  private final ZipWriter zip = new ZipWriter();

  /**
   * A writer of a file without arrays.
   *
   * @param metadata any strings; none give no entry
   * @throws IllegalArgumentException if they hold a lone surrogate, or more than 4,194,304 code
   *     points
   */
  public NpzWriter(Map<String, String> metadata) {
    if (!metadata.isEmpty()) {
      String json = new String(MetadataJson.write(metadata), StandardCharsets.UTF_8);
      zip.add(NpzFile.METADATA + NpzFile.SUFFIX, NpyText.toBytes(json));
    }
  }

  /**
   * Adds an array.
   *
   * @param name unlike any other and {@code metadata}
   * @param littleEndianBytes its elements, row-major; copied
   * @throws IllegalArgumentException if the name is taken or cannot be that of an entry of a zip,
   *     the dtype is BF16, which numpy has no word for, or the number of bytes is not that of dtype
   *     and shape
   */
  public void addArray(String name, DType dtype, Shape shape, byte[] littleEndianBytes) {
    if (name.equals(NpzFile.METADATA)) {
      throw new IllegalArgumentException("the name '" + name + "' is taken");
    }
    long expected = Math.multiplyExact(shape.elements(), dtype.bytes());
    if (littleEndianBytes.length != expected) {
      throw new IllegalArgumentException(
          "'%s' of dtype %s and shape %s takes %d bytes, but there are %d"
              .formatted(name, dtype, shape, expected, littleEndianBytes.length));
    }
    ByteArrayOutputStream npy = new ByteArrayOutputStream();
    npy.writeBytes(
        NpyHeader.of(dtype, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, shape).toBytes());
    npy.writeBytes(littleEndianBytes);
    zip.add(name + NpzFile.SUFFIX, npy.toByteArray());
  }

  /** The file. */
  public byte[] toBytes() {
    return zip.toBytes();
  }
}
