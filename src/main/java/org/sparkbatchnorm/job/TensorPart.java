package org.sparkbatchnorm.job;

import java.util.function.LongFunction;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * A run of elements of one tensor that a task is about to count.
 *
 * @param layer whose activations they are
 * @param tensor its number; parts of the same tensor carry the same one
 * @param miniBatch what messages call the mini-batch that the tensor is
 * @param view of the whole tensor
 * @param firstElement position of the run's first element in the tensor
 * @param elements length of the run
 * @param places where the element at a position of the tensor is
 */
record TensorPart(
    String layer,
    long tensor,
    String miniBatch,
    ChannelView view,
    long firstElement,
    long elements,
    LongFunction<Place> places) {

  boolean isWhole() {
    return elements == view.elements();
  }
}
