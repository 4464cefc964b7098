package org.sparkbatchnorm.estimator;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchAverages;
import org.sparkbatchnorm.statistics.MiniBatchTerms;
import org.sparkbatchnorm.tensor.DType;

/**
 * What a layer's running statistics are after a pass in training mode: {@code r <- keep r + fresh
 * v_b} for each mini-batch in turn, on its mean and on one of its variances. Unrolled over B
 * mini-batches it is a sum,
 *
 * <pre>{@code r = keep^B r_0 + sum over b of  keep^(B - 1 - b) * fresh * v_b}</pre>
 *
 * <p>whose terms do not depend on each other: with B and the place b of each mini-batch known
 * beforehand, it can be taken in any order. keep and fresh are doubles, as they are in the
 * frameworks (PyTorch: 1 - momentum and momentum); the powers are known to a relative 2^-106, the
 * products and their sum are exact, and the result is rounded once. So it is the recursion in exact
 * arithmetic on the rounded v_b, correctly rounded but for cases as rare as 2^-50; a framework's
 * own, which rounds at every step, is a few units of the last place off.
 *
 * <p>Its mini-batches come on top of those that it starts from, as {@code num_batches_tracked} has
 * them in a layer that goes on training.
 *
 * @param averageTerms weights and kind of variance
 * @param initial r_0 by layer; mean 0 and variance 1 for all layers if empty
 */
record MovingAverageEstimator(
    MiniBatchTerms averageTerms,
    IncompleteMiniBatches incomplete,
    Optional<Map<String, RunningStatistics>> initial)
    implements Estimator {
  @Override
  public String name() {
    return MOVING_AVERAGE;
  }

  @Override
  public Optional<MiniBatchTerms> terms() {
    return Optional.of(averageTerms);
  }

  @Override
  public Estimator startingFrom(Map<String, RunningStatistics> statistics) {
    return new MovingAverageEstimator(
        averageTerms, incomplete, Optional.of(Map.copyOf(statistics)));
  }

  @Override
  public RunningStatistics estimate(LayerMoments layer, NonFinitePolicy policy, DType target) {
    CompleteMiniBatches mini = new CompleteMiniBatches(this, layer, policy);
    MiniBatchAverages averages = mini.averages();
    if (incomplete == IncompleteMiniBatches.REFUSE) {
      mini.requireUnbiasedVariances();
    }
    mini.requireAllOrNone();
    RunningStatistics start = start(layer.layer(), averages.channels());
    double[] mean = start.mean();
    double[] variance = start.variance();
    for (int c = 0; c < mean.length; c++) {
      mean[c] = mini.isPropagated(c) ? Double.NaN : averages.decayedMean(c, mean[c], target);
      variance[c] =
          mini.isPropagated(c) ? Double.NaN : averages.decayedVariance(c, variance[c], target);
    }
    return RunningStatistics.of(
        mean, variance, Math.addExact(start.miniBatches(), layer.miniBatches()));
  }

  private RunningStatistics start(String layer, int channels) {
    if (initial.isEmpty()) {
      double[] ones = new double[channels];
      Arrays.fill(ones, 1);
      return RunningStatistics.of(new double[channels], ones, 0);
    }
    RunningStatistics start = initial.get().get(layer);
    if (start == null) {
      throw new IllegalArgumentException("layer " + layer + " has nothing to start from");
    }
    if (start.channels() != channels) {
      throw new IllegalArgumentException(
          "layer "
              + layer
              + " has "
              + channels
              + " channels, but "
              + start.channels()
              + " to start from");
    }
    return start;
  }
}
