package org.sparkbatchnorm.job;

import java.io.Serializable;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.sparkbatchnorm.estimator.Estimator.Needs;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.statistics.ExactKernels;

/**
 * What tasks are told about counting.
 *
 * @param needs what the estimators need
 * @param accumulation how sums are kept
 * @param kernel the kernel for exact sums that is forced, or an empty text
 */
record Counting(Needs needs, Accumulation accumulation, String kernel) implements Serializable {
  private static final long serialVersionUID = 1L;

  static Counting of(JobSpec.Statistics statistics, SparkConf conf) {
    Needs needs =
        statistics.estimators().stream().anyMatch(e -> e.needs() == Needs.MINI_BATCHES)
            ? Needs.MINI_BATCHES
            : Needs.POOLED_MOMENTS;
    return new Counting(needs, statistics.accumulation(), conf.get(ExactKernels.PROPERTY, ""));
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
