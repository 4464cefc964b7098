package org.sparkbatchnorm.format.hdf5;

import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/**
 * A dataset of a file: an array of any rank, row-major.
 *
 * @param path the names from the root to it, joined by slashes
 * @param dtype type of the elements; empty if {@link DType} has no such type
 * @param elementBytes bytes of one element
 * @param isOpaque whether an element is bytes that only the writer knows the meaning of
 * @param order of the bytes of an element
 * @param shape axis lengths; rank 0 is one value
 * @param storage how the elements are kept
 * @param offset in the file of the first element, its user block included, or {@link
 *     MalformedFileException#NO_OFFSET} where they are not in one piece
 * @param headerOffset in the file of what describes it, which is unlike that of any other
 * @param attributes as those of {@link Hdf5Group}
 */
public record Hdf5Dataset(
    String path,
    Optional<DType> dtype,
    long elementBytes,
    boolean isOpaque,
    ByteOrder order,
    Shape shape,
    Hdf5Storage storage,
    long offset,
    long headerOffset,
    Map<String, String> attributes) {

  /** Bytes of all elements. */
  public long bytes() {
    return shape.elements() * elementBytes;
  }
}
