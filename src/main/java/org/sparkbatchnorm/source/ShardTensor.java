package org.sparkbatchnorm.source;

import java.io.Serializable;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * One tensor of a file, as its header declares it.
 *
 * @param name the whole name: the safetensors key, or the npy path without its extension
 * @param dtype type of the elements
 * @param ordering byte order of an element
 * @param order order of the elements in the file
 * @param shape axis lengths as the framework saw them
 * @param offset of the first element, in bytes from the start of the file
 */
public record ShardTensor(
    String name, DType dtype, ByteOrdering ordering, ElementOrder order, Shape shape, long offset)
    implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Bytes of all elements. */
  public long bytes() {
    return shape.elements() * dtype.bytes();
  }
}
