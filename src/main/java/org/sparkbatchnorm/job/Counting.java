package org.sparkbatchnorm.job;

import java.io.Serializable;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.SparkConf;
import org.sparkbatchnorm.estimator.Estimator;
import org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches;
import org.sparkbatchnorm.source.MiniBatchRule;
import org.sparkbatchnorm.source.MiniBatching;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.statistics.ExactKernels;
import org.sparkbatchnorm.statistics.MiniBatchTerms;

/**
 * What tasks are told about counting.
 *
 * @param miniBatching what a mini-batch is
 * @param terms what is added up of the mini-batches; nothing if all values together will do
 * @param accumulation how sums are kept
 * @param kernel the kernel for exact sums that is forced, or an empty text
 */
record Counting(
    MiniBatching miniBatching, List<MiniBatchTerms> terms, Accumulation accumulation, String kernel)
    implements Serializable {
  private static final long serialVersionUID = 1L;

  Counting {
    terms = List.copyOf(terms);
  }

  /** Where one estimator looks at mini-batches, {@code paper} can be given beside it. */
  static Counting of(JobSpec.Statistics statistics, SparkConf conf) {
    Set<MiniBatchTerms> terms = new LinkedHashSet<>();
    statistics.estimators().stream()
        .flatMap(estimator -> estimator.terms().stream())
        .forEach(terms::add);
    if (!terms.isEmpty()) {
      terms.add(Estimator.paper(IncompleteMiniBatches.REFUSE).terms().orElseThrow());
    }
    return new Counting(
        statistics.miniBatching(),
        List.copyOf(terms),
        statistics.accumulation(),
        conf.get(ExactKernels.PROPERTY, ""));
  }

  /** Whether mini-batches are looked at one by one. */
  boolean keepsMiniBatches() {
    return !terms.isEmpty();
  }

  /** What a plan must know of mini-batches. */
  MiniBatchRule rule() {
    int orderedFrom =
        terms.stream()
            .filter(MiniBatchTerms::needsOrder)
            .mapToInt(each -> each.variance().leastCount())
            .max()
            .orElse(0);
    return new MiniBatchRule(miniBatching, orderedFrom);
  }

  /**
   * The kernel for exact sums in this JVM; without a choice where there are none.
   *
   * @throws IllegalStateException if one is forced that cannot run here
   */
  ExactKernels kernels() {
    return ExactKernels.ofThisJvm(
        accumulation == Accumulation.EXACT
            ? Optional.of(kernel).filter(word -> !word.isEmpty())
            : Optional.of("scalar"));
  }

  /**
   * The same, for the place where the job was described.
   *
   * @throws JobSpecException if a kernel is forced that cannot run here
   */
  ExactKernels requiredKernels() {
    try {
      return kernels();
    } catch (IllegalStateException e) {
      throw new JobSpecException(e.getMessage());
    }
  }
}
