package org.sparkbatchnorm.tensor;

import java.io.Serializable;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The lengths of an array's axes, outermost first. Immutable; axes may be 0 long; rank 0 is a
 * scalar with one element.
 */
public final class Shape implements Serializable {
  private static final long serialVersionUID = 1L;

  private final long[] dimensions;
  private final long elements;

  private Shape(long[] dimensions) {
    this.dimensions = dimensions;
    this.elements = product(dimensions, 0, dimensions.length);
  }

  /**
   * A shape of these axis lengths.
   *
   * @throws IllegalArgumentException if one is negative
   * @throws ArithmeticException if the number of elements exceeds 2^63 - 1 (a zero-length axis does
   *     not hide it)
   */
  public static Shape of(long... dimensions) {
    for (long dimension : dimensions) {
      if (dimension < 0) {
        throw new IllegalArgumentException(
            "negative axis length " + dimension + " in shape " + Arrays.toString(dimensions));
      }
    }
    return new Shape(dimensions.clone());
  }

  /** Number of axes. */
  public int rank() {
    return dimensions.length;
  }

  /** Length of one axis; 0 is the outermost. */
  public long dimension(int axis) {
    return dimensions[axis];
  }

  /** Number of elements: the product of all axis lengths, 1 for rank 0. */
  public long elements() {
    return elements;
  }

  /**
   * Product of the lengths of axes {@code from} (inclusive) to {@code to} (exclusive), 1 if there
   * are none.
   */
  public long elements(int from, int to) {
    return product(dimensions, from, to);
  }

  /** The axis lengths, outermost first; a fresh array. */
  public long[] dimensions() {
    return dimensions.clone();
  }

  /** Product of non-negative axis lengths; the others must not overflow where one of them is 0. */
  static long product(long[] dimensions, int from, int to) {
    long product = 1;
    boolean empty = false;
    for (int axis = from; axis < to; axis++) {
      if (dimensions[axis] == 0) {
        empty = true;
      } else {
        if (product > Long.MAX_VALUE / dimensions[axis]) {
          throw new ArithmeticException(
              "axis lengths " + Arrays.toString(dimensions) + " multiply to more than 2^63 - 1");
        }
        product *= dimensions[axis];
      }
    }
    return empty ? 0 : product;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dimensions, shape.dimensions);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dimensions);
  }

  /** As {@code [64, 3, 7, 7]}. */
  @Override
  public String toString() {
    return Arrays.stream(dimensions)
        .mapToObj(Long::toString)
        .collect(Collectors.joining(", ", "[", "]"));
  }
}
