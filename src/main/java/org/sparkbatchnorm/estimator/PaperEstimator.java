package org.sparkbatchnorm.estimator;

import java.util.Optional;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchAverages;
import org.sparkbatchnorm.statistics.MiniBatchAverages.IncompleteMiniBatch;
import org.sparkbatchnorm.tensor.DType;

/**
 * arXiv 1502.03167, Algorithm 2, line 10: E[x] = E_B[mu_B] and Var[x] = m/(m-1) E_B[sigma_B^2],
 * where every mini-batch weighs the same whatever its size, and m is each mini-batch's own number
 * of values. What PyTorch's {@code update_bn} leaves.
 */
record PaperEstimator(IncompleteMiniBatches incomplete) implements Estimator {

  @Override
  public String name() {
    return "paper";
  }

  @Override
  public Needs needs() {
    return Needs.MINI_BATCHES;
  }

  @Override
  public RunningStatistics estimate(LayerMoments layer, NonFinitePolicy policy, DType target) {
    MiniBatchAverages averages =
        layer
            .averages()
            .orElseThrow(
                () -> new IllegalArgumentException("mini-batches were not kept: " + layer.layer()));
    if (incomplete == IncompleteMiniBatches.REFUSE) {
      requireComplete(layer.layer(), averages, policy);
    }
    double[] mean = new double[averages.channels()];
    double[] variance = new double[averages.channels()];
    for (int c = 0; c < mean.length; c++) {
      if (policy == NonFinitePolicy.PROPAGATE && layer.pooled().nonFinite().inChannel(c) > 0) {
        mean[c] = Double.NaN;
        variance[c] = Double.NaN;
        continue;
      }
      if (averages.batches(c) == 0) {
        throw new TooFewValuesException(
            "layer "
                + layer.layer()
                + ", channel "
                + c
                + " has no mini-batch with at least 2 values, but paper needs one");
      }
      mean[c] = averages.averageMean(c, target);
      variance[c] = averages.averageUnbiasedVariance(c, target);
    }
    return RunningStatistics.of(mean, variance, layer.miniBatches());
  }

  /**
   * Under {@link NonFinitePolicy#PROPAGATE} a mini-batch of which only one value is finite is not
   * incomplete: its channel becomes NaN.
   */
  private static void requireComplete(
      String layer, MiniBatchAverages averages, NonFinitePolicy policy) {
    Optional<IncompleteMiniBatch> found =
        policy == NonFinitePolicy.PROPAGATE
            ? averages.incompleteAllFinite()
            : averages.incomplete();
    if (found.isPresent()) {
      throw new TooFewValuesException(
          "layer "
              + layer
              + ", mini-batch "
              + found.get().miniBatch()
              + (found.equals(averages.incompleteAllFinite())
                  ? " has one value in channel "
                  : " has one finite value in channel ")
              + found.get().channel()
              + ", but paper needs at least 2 per channel"
              + " (--drop-incomplete leaves such mini-batches out)");
    }
  }
}
