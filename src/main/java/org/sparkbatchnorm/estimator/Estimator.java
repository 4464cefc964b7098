package org.sparkbatchnorm.estimator;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.tensor.DType;

/** A choice of mean and variance. Implementations are stateless. */
public interface Estimator {

  /** The word for it on the command line, in job files, reports and checkpoints. */
  String name();

  /** What moments must hold for it. */
  Needs needs();

  /**
   * The running statistics of one layer.
   *
   * @param policy under {@link NonFinitePolicy#PROPAGATE}, channels with non-finite values become
   *     NaN; otherwise those values are left out
   * @throws IllegalArgumentException if the moments do not hold what it {@link #needs}
   * @param target the floating-point type that mean and variance are rounded to
   * @throws TooFewValuesException if a channel, or one of its mini-batches, has too few values for
   *     this estimator; the message names the layer, the channel and the mini-batch
   */
  RunningStatistics estimate(LayerMoments moments, NonFinitePolicy policy, DType target);

  /** What an estimator is computed from. */
  enum Needs {
    /** All values of the layer together. */
    POOLED_MOMENTS,
    /** The moments of every mini-batch. */
    MINI_BATCHES
  }

  /**
   * Whether a mini-batch with a single value in a channel is an error for {@code paper}, or left
   * out.
   */
  enum IncompleteMiniBatches {
    REFUSE,
    DROP
  }

  /** Mean and unbiased variance (n - 1) of all values together. */
  static Estimator pooledUnbiased() {
    return new PooledEstimator(PooledEstimator.Divisor.COUNT_LESS_ONE);
  }

  /** Mean and biased variance (n) of all values together. */
  static Estimator pooledBiased() {
    return new PooledEstimator(PooledEstimator.Divisor.COUNT);
  }

  /**
   * The average over mini-batches of their means and unbiased variances (arXiv 1502.03167,
   * Algorithm 2).
   */
  static Estimator paper(IncompleteMiniBatches incomplete) {
    return new PaperEstimator(incomplete);
  }

  /** The estimator of this name, exactly as {@link #name()} spells it. */
  static Optional<Estimator> ofName(String name, IncompleteMiniBatches incomplete) {
    return all(incomplete).stream().filter(estimator -> estimator.name().equals(name)).findFirst();
  }

  /** All names. */
  static List<String> names() {
    return all(IncompleteMiniBatches.REFUSE).stream()
        .map(Estimator::name)
        .collect(Collectors.toUnmodifiableList());
  }

  private static List<Estimator> all(IncompleteMiniBatches incomplete) {
    return List.of(pooledUnbiased(), pooledBiased(), paper(incomplete));
  }
}
