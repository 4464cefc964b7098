package org.sparkbatchnorm.estimator;

import java.util.Optional;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchTerms;
import org.sparkbatchnorm.tensor.DType;

/** Statistics of all values of a layer together, mini-batches set aside. */
record PooledEstimator(Divisor divisor) implements Estimator {

  /** What M2 is divided by. */
  enum Divisor {
    COUNT_LESS_ONE("pooled-unbiased", 2),
    COUNT("pooled-biased", 1);

    private final String estimator;
    private final int leastCount;

    Divisor(String estimator, int leastCount) {
      this.estimator = estimator;
      this.leastCount = leastCount;
    }
  }

  @Override
  public String name() {
    return divisor.estimator;
  }

  @Override
  public Optional<MiniBatchTerms> terms() {
    return Optional.empty();
  }

  @Override
  public RunningStatistics estimate(LayerMoments layer, NonFinitePolicy policy, DType target) {
    ChannelMoments moments = layer.pooled();
    double[] mean = new double[moments.channels()];
    double[] variance = new double[moments.channels()];
    for (int c = 0; c < mean.length; c++) {
      if (policy == NonFinitePolicy.PROPAGATE && moments.nonFinite().inChannel(c) > 0) {
        mean[c] = Double.NaN;
        variance[c] = Double.NaN;
        continue;
      }
      if (moments.count(c) < divisor.leastCount) {
        throw new TooFewValuesException(
            "layer "
                + layer.layer()
                + ", channel "
                + c
                + " has n = "
                + moments.count(c)
                + ", but "
                + name()
                + " needs at least "
                + divisor.leastCount);
      }
      mean[c] = moments.mean(c, target);
      variance[c] =
          divisor == Divisor.COUNT
              ? moments.biasedVariance(c, target)
              : moments.unbiasedVariance(c, target);
    }
    return RunningStatistics.of(mean, variance, layer.miniBatches());
  }
}
