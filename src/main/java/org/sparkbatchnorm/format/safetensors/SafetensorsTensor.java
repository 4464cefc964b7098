package org.sparkbatchnorm.format.safetensors;

import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/**
 * Where one array stands in a safetensors file. Its bytes are little-endian and row-major.
 *
 * @param name the key in the header: any text, never a path
 * @param dtype type of the elements
 * @param shape axis lengths
 * @param offset offset in the file of the first byte (for an empty array, of where it would be)
 * @param bytes {@code shape.elements() * dtype.bytes()}
 */
public record SafetensorsTensor(String name, DType dtype, Shape shape, long offset, long bytes)
    implements PlacedArray {}
