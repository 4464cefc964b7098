package org.sparkbatchnorm.estimator;

import java.util.Optional;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchAverages;
import org.sparkbatchnorm.statistics.MiniBatchTerms;
import org.sparkbatchnorm.statistics.MiniBatchTerms.Variance;
import org.sparkbatchnorm.tensor.DType;

/**
 * Averages over mini-batches that all weigh the same, whatever their sizes.
 *
 * <p>{@code paper}: arXiv 1502.03167, Algorithm 2, line 10: E[x] = E_B[mu_B] and Var[x] = m/(m-1)
 * E_B[sigma_B^2], where m is each mini-batch's own number of values. What PyTorch's {@code
 * update_bn} leaves. {@code moving-average} with momentum {@code none}: a running value that takes
 * the k-th mini-batch with weight 1/k is the plain average, whatever it started from.
 *
 * @param name the estimator's
 * @param variance which variance of a mini-batch is averaged
 */
record AverageEstimator(String name, Variance variance, IncompleteMiniBatches incomplete)
    implements Estimator {

  static AverageEstimator paper(IncompleteMiniBatches incomplete) {
    return new AverageEstimator("paper", Variance.UNBIASED, incomplete);
  }

  @Override
  public Optional<MiniBatchTerms> terms() {
    return Optional.of(MiniBatchTerms.ofEqualWeight(variance));
  }

  @Override
  public RunningStatistics estimate(LayerMoments layer, NonFinitePolicy policy, DType target) {
    CompleteMiniBatches mini = new CompleteMiniBatches(this, layer, policy);
    MiniBatchAverages averages = mini.averages();
    if (incomplete == IncompleteMiniBatches.REFUSE) {
      mini.requireUnbiasedVariances();
    }
    double[] mean = new double[averages.channels()];
    double[] variance = new double[averages.channels()];
    for (int c = 0; c < mean.length; c++) {
      if (mini.isPropagated(c)) {
        mean[c] = Double.NaN;
        variance[c] = Double.NaN;
        continue;
      }
      mini.requireAny(c);
      mean[c] = averages.averageMean(c, target);
      variance[c] = averages.averageVariance(c, target);
    }
    return RunningStatistics.of(mean, variance, layer.miniBatches());
  }
}
