package org.sparkbatchnorm.kernel;

import java.util.function.Consumer;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.ChannelMomentsAccumulator;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Builds the moments of one mini-batch from the blocks of its array, all of it or what a mask
 * leaves of it: what {@link BatchNormTraining#step} takes. Not thread-safe.
 */
public final class MiniBatchAccumulator {
  private final ChannelMomentsAccumulator moments;
  private final Consumer<TensorBlock> sink;
  private boolean anyValue;
  private boolean anyCounted;

  private MiniBatchAccumulator(ChannelMomentsAccumulator moments) {
    this.moments = moments;
    this.sink = this::count;
  }

  private MiniBatchAccumulator(ChannelMomentsAccumulator moments, Mask mask) {
    this.moments = moments;
    this.sink = new MaskedBlocks(mask, this::count)::add;
  }

  /**
   * An accumulator in which every position counts.
   *
   * @throws IllegalArgumentException if the number of channels is negative
   */
  public static MiniBatchAccumulator forChannels(int channels) {
    return new MiniBatchAccumulator(exact(channels));
  }

  /**
   * An accumulator in which those positions count that the mask counts. The blocks must be of one
   * array.
   *
   * @throws IllegalArgumentException if the number of channels is negative
   */
  public static MiniBatchAccumulator forChannels(int channels, Mask mask) {
    return new MiniBatchAccumulator(exact(channels), mask);
  }

  private static ChannelMomentsAccumulator exact(int channels) {
    return ChannelMomentsAccumulator.forChannels(channels, Accumulation.EXACT);
  }

  /**
   * Adds the values of a block, each block once, in any order.
   *
   * @throws IllegalArgumentException if the block's array has another number of channels
   */
  public void add(TensorBlock block) {
    anyValue |= block.elements() > 0;
    sink.accept(block);
  }

  private void count(TensorBlock block) {
    anyCounted |= block.elements() > 0;
    moments.add(block);
  }

  /**
   * The moments of all that was added and counts.
   *
   * @throws IllegalStateException if values were added, but the mask leaves none of them
   */
  public ChannelMoments snapshot() {
    if (anyValue && !anyCounted) {
      throw new IllegalStateException("the mask leaves no value to take statistics of");
    }
    return moments.snapshot();
  }
}
