package org.sparkbatchnorm.kernel;

/**
 * Which positions of a mini-batch count when its statistics are taken, those of padding not: one
 * value for all channels of a position. Positions are those of the array without its channel axis,
 * in the order of its elements; in an array seen as {@code [outer, channels, inner]}, element
 * {@code [o, c, i]} is at position {@code o * inner + i}.
 */
@FunctionalInterface
public interface Mask {
  /**
   * Says of consecutive positions whether they count.
   *
   * @param first position of the first
   * @param counted where the answers go, from 0 on
   * @param count how many, at most the array's length
   */
  void read(long first, boolean[] counted, int count);

  /** A mask in memory; keeps the array. */
  static Mask of(boolean[] counted) {
    return (first, answers, count) -> System.arraycopy(counted, (int) first, answers, 0, count);
  }
}
