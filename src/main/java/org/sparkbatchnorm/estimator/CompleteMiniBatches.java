package org.sparkbatchnorm.estimator;

import java.util.Optional;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchAverages;
import org.sparkbatchnorm.statistics.MiniBatchAverages.IncompleteMiniBatch;
import org.sparkbatchnorm.statistics.MiniBatchTerms;

/**
 * The mini-batches of a layer that an estimator looks at, and what it refuses.
 *
 * @param estimator that has terms
 */
record CompleteMiniBatches(Estimator estimator, LayerMoments layer, NonFinitePolicy policy) {

  MiniBatchAverages averages() {
    MiniBatchAverages averages = layer.averages().get(terms());
    if (averages == null) {
      throw new IllegalArgumentException("mini-batches were not kept: " + layer.layer());
    }
    return averages;
  }

  private MiniBatchTerms terms() {
    return estimator.terms().orElseThrow();
  }

  /** Whether a channel becomes NaN. */
  boolean isPropagated(int channel) {
    return policy == NonFinitePolicy.PROPAGATE && layer.pooled().nonFinite().inChannel(channel) > 0;
  }

  /**
   * Refuses mini-batches that have no unbiased variance. Under {@link NonFinitePolicy#PROPAGATE}
   * one of which only one value is finite is not such: its channel becomes NaN.
   */
  void requireUnbiasedVariances() {
    MiniBatchAverages averages = averages();
    Optional<IncompleteMiniBatch> found =
        policy == NonFinitePolicy.PROPAGATE
            ? averages.incompleteAllFinite()
            : averages.incomplete();
    if (found.isPresent()) {
      throw new TooFewValuesException(
          place(found.get())
              + (found.equals(averages.incompleteAllFinite())
                  ? " has one value in channel "
                  : " has one finite value in channel ")
              + found.get().channel()
              + ", but "
              + estimator.name()
              + " needs at least 2 per channel"
              + " (--drop-incomplete leaves such mini-batches out)");
    }
  }

  /**
   * Refuses mini-batches that would have to be left out of one channel and not of another: how much
   * the others weigh there was settled by how many there are.
   */
  void requireAllOrNone() {
    Optional<IncompleteMiniBatch> found = averages().lacking();
    if (found.isPresent() && policy != NonFinitePolicy.PROPAGATE) {
      throw new TooFewValuesException(
          place(found.get())
              + " has "
              + (terms().variance().leastCount() == 1 ? "no finite value" : "no 2 finite values")
              + " in channel "
              + found.get().channel()
              + ", and "
              + estimator.name()
              + " can leave it out of all channels only; take it out of the input, or set"
              + " --momentum none");
    }
  }

  /** Refuses a channel without any mini-batch. */
  void requireAny(int channel) {
    if (averages().batches(channel) == 0) {
      int least = terms().variance().leastCount();
      throw new TooFewValuesException(
          "layer "
              + layer.layer()
              + ", channel "
              + channel
              + " has no mini-batch with at least "
              + (least == 1 ? "1 value" : least + " values")
              + ", but "
              + estimator.name()
              + " needs one");
    }
  }

  private String place(IncompleteMiniBatch found) {
    return "layer " + layer.layer() + ", mini-batch " + found.miniBatch();
  }
}
