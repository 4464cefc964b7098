package org.sparkbatchnorm.kernel;

import java.util.Optional;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * What a row-major array in memory is as a mini-batch.
 *
 * @param shape its axes
 * @param layout which of them holds the channels
 * @param mask which positions count; all if absent
 */
record MiniBatchArray(Shape shape, ChannelLayout layout, Optional<Mask> mask) {

  /**
   * An array all of whose positions count.
   *
   * @throws IllegalArgumentException if the shape does not fit the layout
   */
  static MiniBatchArray of(Shape shape, ChannelLayout layout) {
    return new MiniBatchArray(shape, layout, Optional.empty());
  }

  /**
   * The same with a mask; keeps it.
   *
   * @throws IllegalArgumentException if it has another number of positions than the array
   */
  MiniBatchArray masked(boolean[] counted) {
    if (counted.length != view().elementsPerChannel()) {
      throw new IllegalArgumentException(
          "mask has "
              + counted.length
              + " positions, but shape "
              + shape
              + " without its channel axis has "
              + view().elementsPerChannel());
    }
    return new MiniBatchArray(shape, layout, Optional.of(Mask.of(counted)));
  }

  /**
   * Where the channels are.
   *
   * @throws IllegalArgumentException if the shape does not fit the layout
   */
  ChannelView view() {
    return layout.view(shape, ElementOrder.ROW_MAJOR);
  }

  /**
   * The moments of what counts.
   *
   * @throws IllegalStateException if the mask leaves nothing
   */
  ChannelMoments moments(float[] values, ArrayBlocks blocks) {
    MiniBatchAccumulator miniBatch = accumulator();
    blocks.forEach(values, view(), miniBatch::add);
    return miniBatch.snapshot();
  }

  /** The same of doubles. */
  ChannelMoments moments(double[] values, ArrayBlocks blocks) {
    MiniBatchAccumulator miniBatch = accumulator();
    blocks.forEach(values, view(), miniBatch::add);
    return miniBatch.snapshot();
  }

  private MiniBatchAccumulator accumulator() {
    int channels = view().channels();
    return mask.isPresent()
        ? MiniBatchAccumulator.forChannels(channels, mask.get())
        : MiniBatchAccumulator.forChannels(channels);
  }

  /**
   * Checks the lengths of arrays for it.
   *
   * @throws IllegalArgumentException if one has not as many elements as the shape
   */
  void requireElements(int inputs, int outputs) {
    BatchNorm.requireElements("input", inputs, shape);
    BatchNorm.requireElements("output", outputs, shape);
  }
}
