package org.sparkbatchnorm.kernel;

import org.sparkbatchnorm.statistics.KernelChoice;
import org.sparkbatchnorm.tensor.DType;

/**
 * The inner loops of normalization over L lanes. Output places are those of the input; both may be
 * the same array.
 */
interface NormalizationLoops extends KernelChoice.Lanes {
  /** Vectors in a tile: parameters of as many are held in registers. */
  int TILE_VECTORS = 8;

  /** Elements {@code from} to {@code to} (exclusive), all with the same parameters. */
  void run(float[] input, float[] output, int from, int to, double mean, double scale, double beta);

  /** The same for doubles. */
  void run(
      double[] input, double[] output, int from, int to, double mean, double scale, double beta);

  /** Elements {@code from} to {@code to} (exclusive), each with the parameters of a place. */
  void places(float[] input, float[] output, int from, int to, ChannelCycle cycle, int firstPlace);

  /** The same for doubles. */
  void places(
      double[] input, double[] output, int from, int to, ChannelCycle cycle, int firstPlace);

  /**
   * A tile's places in so many consecutive periods.
   *
   * @param from element at the first of the places, in the first period
   * @param place the first of {@link #TILE_VECTORS} times L places
   */
  void tile(float[] input, float[] output, int from, int periods, ChannelCycle cycle, int place);

  /** Floats as bytes in the machine's order, from the array's beginning on. */
  void copy(float[] values, int from, byte[] bytes, int count);

  /** {@link Normalization#widen}. */
  void widen(DType half, short[] bits, double[] values, int count);

  /** {@link Normalization#narrow}. */
  void narrow(DType half, double[] values, short[] bits, int count);
}
