package org.sparkbatchnorm.estimator;

import java.util.Optional;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchAverages;
import org.sparkbatchnorm.statistics.MiniBatchTerms;
import org.sparkbatchnorm.statistics.MiniBatchTerms.Variance;
import org.sparkbatchnorm.tensor.DType;

/**
 * Whether the means of a layer's mini-batches are further apart than chance would have them, so
 * that {@code paper}, which leaves out the variance between mini-batches, misses a part of the
 * variance that all values have together. It does where the data were not shuffled: sorted by
 * class, say, or recorded in the order of time.
 *
 * <p>What chance does is taken to be as much as it can be. Rows (indexes of the outer axis: images)
 * are taken for independent draws; the positions within a row, of which a layer of convolutions has
 * many, may depend on each other in any way. The mean of a row then has at most the variance
 * sigma^2 of a single value, the mean of a mini-batch of m_b rows at most sigma^2 / m_b, and the
 * variance V of the means of B mini-batches is expected to be at most sigma^2 avg(1 / m_b). A
 * channel stands out if all of this holds:
 *
 * <ul>
 *   <li>V is more than six standard deviations beyond that, as a chi-square variable with B - 1
 *       degrees of freedom has them in Wilson and Hilferty's cube (PNAS 17 (1931) 684). For normal
 *       values that are no different in a row, one channel in 10^9 does by chance.
 *   <li>V is more than K times that, with B^(1 - K) = 10^-5. Where a channel is zero but for a few
 *       rows, it is K times that if K such rows come into the same mini-batch, and that is the
 *       chance of it.
 *   <li>The variance by {@code paper} is more than 5 % below that of all values: a smaller part,
 *       even where it is there for sure, does no harm.
 * </ul>
 *
 * <p>What this cannot see: too few mini-batches, or rows in each of them; and a sample spread over
 * several rows, as the nodes of a graph are, which looks like many independent ones.
 *
 * @param channel that loses the largest part
 * @param paper variance of that channel by {@code paper}
 * @param pooledUnbiased variance of all its values
 * @param channels how many stand out
 */
public record MiniBatchSpread(int channel, double paper, double pooledUnbiased, int channels) {
  private static final double STANDARD_DEVIATIONS = 6;
  private static final double CHANCE = 1e-5;
  private static final double LEAST_PART = 0.05;

  /** The spread of a layer in which a channel stands out, if its mini-batches were kept. */
  public static Optional<MiniBatchSpread> beyondChance(LayerMoments layer) {
    MiniBatchAverages averages =
        layer.averages().get(MiniBatchTerms.ofEqualWeight(Variance.UNBIASED));
    if (averages == null || averages.miniBatches() < 2) {
      return Optional.empty();
    }
    double most = bound(averages.miniBatches()) * averages.averageReciprocalRows();
    ChannelMoments pooled = layer.pooled();
    MiniBatchSpread worst = null;
    int channels = 0;
    for (int c = 0; c < averages.channels(); c++) {
      if (averages.batches(c) != averages.miniBatches() || pooled.isConstant(c)) {
        continue;
      }
      double all = pooled.unbiasedVariance(c);
      double within = averages.averageVariance(c, DType.F64);
      if (within < (1 - LEAST_PART) * all && averages.varianceOfMeans(c) > most * all) {
        channels++;
        if (worst == null || within / all < worst.paper / worst.pooledUnbiased) {
          worst = new MiniBatchSpread(c, within, all, 0);
        }
      }
    }
    return worst == null
        ? Optional.empty()
        : Optional.of(
            new MiniBatchSpread(worst.channel, worst.paper, worst.pooledUnbiased, channels));
  }

  /** How many times its expectation the variance of B means may be. */
  static double bound(long batches) {
    double spread = 2.0 / (9 * (batches - 1));
    double cubeRoot = 1 - spread + STANDARD_DEVIATIONS * Math.sqrt(spread);
    double together = 1 - Math.log(CHANCE) / Math.log((double) batches);
    return Math.max(cubeRoot * cubeRoot * cubeRoot, together);
  }
}
