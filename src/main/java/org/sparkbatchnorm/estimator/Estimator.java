package org.sparkbatchnorm.estimator;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.Convention.VarianceKind;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchTerms;
import org.sparkbatchnorm.statistics.MiniBatchTerms.Variance;
import org.sparkbatchnorm.tensor.DType;

/** A choice of mean and variance. Implementations are stateless. */
public interface Estimator {
  /** The name of {@link #movingAverage}. */
  String MOVING_AVERAGE = "moving-average";

  /** The word for it on the command line, in job files, reports and checkpoints. */
  String name();

  /** What must have been added up of the mini-batches; empty where all values together will do. */
  Optional<MiniBatchTerms> terms();

  /**
   * The same estimator, but that a moving average starts from these statistics, by layer.
   * Estimating a layer that they lack, or have with other channels, is then an {@link
   * IllegalArgumentException}. Of no concern to estimators that start from nothing.
   */
  default Estimator startingFrom(Map<String, RunningStatistics> initial) {
    return this;
  }

  /**
   * The running statistics of one layer.
   *
   * @param policy under {@link NonFinitePolicy#PROPAGATE}, channels with non-finite values become
   *     NaN; otherwise those values are left out
   * @throws IllegalArgumentException if the moments lack its {@link #terms}
   * @param target the floating-point type that mean and variance are rounded to
   * @throws TooFewValuesException if a channel, or one of its mini-batches, has too few values for
   *     this estimator; the message names the layer, the channel and the mini-batch
   */
  RunningStatistics estimate(LayerMoments moments, NonFinitePolicy policy, DType target);

  /**
   * Whether a mini-batch with a single value in a channel is an error, or left out, where its
   * unbiased variance is needed.
   */
  enum IncompleteMiniBatches {
    REFUSE,
    DROP
  }

  /**
   * What estimators are told; each takes what concerns it.
   *
   * @param incomplete what becomes of mini-batches with a single value in a channel
   * @param convention says what momentum means, and which variance a moving average takes
   * @param momentum of a moving average, in the convention's meaning; empty for the cumulative
   *     average
   */
  record Options(IncompleteMiniBatches incomplete, Convention convention, OptionalDouble momentum) {

    /**
     * Checks the momentum.
     *
     * @throws IllegalArgumentException if it is not between 0 and 1
     */
    public Options {
      momentum.ifPresent(convention::keepFactor);
    }

    /** With the convention's own momentum. */
    public static Options of(IncompleteMiniBatches incomplete, Convention convention) {
      return new Options(incomplete, convention, OptionalDouble.of(convention.momentum()));
    }
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
    return AverageEstimator.paper(incomplete);
  }

  /**
   * What a training pass over the mini-batches, in their order, leaves in a new layer: mean 0 and
   * variance 1 where nothing was seen; see {@link #startingFrom} for others. With momentum {@code
   * none}, the average over mini-batches of their means and of the convention's variances.
   */
  static Estimator movingAverage(Options options) {
    Convention convention = options.convention();
    Variance variance =
        convention.runningVariance() == VarianceKind.BIASED ? Variance.BIASED : Variance.UNBIASED;
    if (options.momentum().isEmpty()) {
      return new AverageEstimator(MOVING_AVERAGE, variance, options.incomplete());
    }
    double momentum = options.momentum().getAsDouble();
    return new MovingAverageEstimator(
        new MiniBatchTerms(
            variance, convention.keepFactor(momentum), convention.newFactor(momentum)),
        options.incomplete(),
        Optional.empty());
  }

  /** The estimator of this name, exactly as {@link #name()} spells it. */
  static Optional<Estimator> ofName(String name, Options options) {
    return all(options).stream().filter(estimator -> estimator.name().equals(name)).findFirst();
  }

  /** All names. */
  static List<String> names() {
    return all(Options.of(IncompleteMiniBatches.REFUSE, Convention.PYTORCH)).stream()
        .map(Estimator::name)
        .collect(Collectors.toUnmodifiableList());
  }

  private static List<Estimator> all(Options options) {
    return List.of(
        pooledUnbiased(), pooledBiased(), paper(options.incomplete()), movingAverage(options));
  }
}
