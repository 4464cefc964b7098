package org.sparkbatchnorm.format.hdf5;

import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.tensor.Shape;

/**
 * The axes of a dataset (spec, section IV.A.2.b).
 *
 * @param shape rank 0 is one value
 * @param isNull whether there is no value at all
 */
record Dataspace(Shape shape, boolean isNull) {
  private static final int NULL = 2;

  static Dataspace read(Fields message) throws MalformedFileException {
    Fields start = message.from(0);
    final int version = message.u8();
    final int rank = message.u8();
    message.skip(1);
    if (version != 1 && version != 2) {
      throw start.malformed(
          "HDF5_UNSUPPORTED", "dataspace of version " + version + ", expected 1 or 2");
    }
    int type = 0;
    if (version == 1) {
      message.skip(5);
    } else {
      type = message.u8();
    }
    if (rank > Limits.RANK) {
      throw start.malformed(
          "RANK_TOO_LARGE", "a shape of " + rank + " axes, expected at most " + Limits.RANK);
    }
    long[] dimensions = new long[rank];
    for (int axis = 0; axis < rank; axis++) {
      dimensions[axis] = message.length();
    }
    try {
      return new Dataspace(Shape.of(dimensions), type == NULL);
    } catch (ArithmeticException e) {
      throw start.malformed("SIZE_OVERFLOW", e.getMessage());
    }
  }
}
