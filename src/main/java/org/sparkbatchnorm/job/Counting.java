package org.sparkbatchnorm.job;

import java.io.Serializable;
import org.sparkbatchnorm.estimator.Estimator.Needs;
import org.sparkbatchnorm.statistics.Accumulation;

/**
 * What tasks are told about counting.
 *
 * @param needs what the estimators need
 * @param accumulation how sums are kept
 */
record Counting(Needs needs, Accumulation accumulation) implements Serializable {
  private static final long serialVersionUID = 1L;

  static Counting of(JobSpec.Statistics statistics) {
    Needs needs =
        statistics.estimators().stream().anyMatch(e -> e.needs() == Needs.MINI_BATCHES)
            ? Needs.MINI_BATCHES
            : Needs.POOLED_MOMENTS;
    return new Counting(needs, statistics.accumulation());
  }
}
