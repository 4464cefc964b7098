package org.sparkbatchnorm.format.keras;

import java.util.Optional;
import org.sparkbatchnorm.format.hdf5.Hdf5Dataset;
import org.sparkbatchnorm.tensor.DType;

/**
 * A variable of a layer.
 *
 * @param role what it is to the layer
 * @param dtype type of its elements; empty if {@link DType} has no such type
 * @param dataset where it is kept
 */
public record KerasVariable(KerasRole role, Optional<DType> dtype, Hdf5Dataset dataset) {

  /** A variable whose type is what the file says, with bfloat16 as Keras marks it. */
  static KerasVariable of(KerasRole role, Hdf5Dataset dataset) {
    return new KerasVariable(role, dtype(dataset), dataset);
  }

  /** Keras writes bfloat16 as two opaque bytes, little-endian, with an attribute. */
  static Optional<DType> dtype(Hdf5Dataset dataset) {
    boolean marked = "bfloat16".equals(dataset.attributes().get(KerasWeights.DTYPE));
    if (marked && dataset.isOpaque() && dataset.elementBytes() == DType.BF16.bytes()) {
      return Optional.of(DType.BF16);
    }
    return dataset.dtype();
  }

  static boolean isFloating(Hdf5Dataset dataset) {
    return dtype(dataset).filter(DType::isFloating).isPresent();
  }
}
