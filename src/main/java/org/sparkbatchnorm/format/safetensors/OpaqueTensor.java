package org.sparkbatchnorm.format.safetensors;

import org.sparkbatchnorm.tensor.Shape;

/**
 * Where an array of a type stands that we do not compute with.
 *
 * @param name the key in the header: any text, never a path
 * @param type its type, in the words of safetensors
 * @param shape axis lengths
 * @param offset offset in the file of the first byte
 * @param bytes that it takes
 */
public record OpaqueTensor(String name, String type, Shape shape, long offset, long bytes)
    implements PlacedArray {

  /** Whether its values are fractions, of few bits or complex, rather than integers or truths. */
  public boolean isFloating() {
    return OpaqueType.valueOf(type).isFloating();
  }
}
