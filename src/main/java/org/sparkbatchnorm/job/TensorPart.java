package org.sparkbatchnorm.job;

import java.util.function.LongFunction;
import org.sparkbatchnorm.source.MiniBatch;
import org.sparkbatchnorm.source.MiniBatches;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * A run of elements of one tensor that a task is about to count.
 *
 * @param layer whose activations they are
 * @param name what messages call the tensor
 * @param miniBatches that its elements belong to
 * @param view of the whole tensor
 * @param firstElement position of the run's first element in the tensor
 * @param elements length of the run
 * @param places where the element at a position of the tensor is
 */
record TensorPart(
    String layer,
    String name,
    MiniBatches miniBatches,
    ChannelView view,
    long firstElement,
    long elements,
    LongFunction<Place> places) {

  /** The mini-batch that an element belongs to. */
  MiniBatch miniBatchAt(long element) {
    return miniBatches.at(element, name);
  }
}
