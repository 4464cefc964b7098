package org.sparkbatchnorm.job;

import java.util.List;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.sparkbatchnorm.source.MiniBatchPlan;
import org.sparkbatchnorm.source.MiniBatchRule;
import org.sparkbatchnorm.source.MiniBatches;
import org.sparkbatchnorm.tensor.ChannelView;

/** What tasks are told, without a job. */
final class Countings {
  private Countings() {}

  /** As an estimator needs it, each tensor a mini-batch. */
  static Counting of(String estimator) {
    JobSpec spec =
        JobSpec.parse(
            Optional.empty(),
            List.of(
                Assignment.parse("input.paths=in"),
                Assignment.parse("checkpoint.path=out.safetensors"),
                Assignment.parse("statistics.estimator=" + estimator)),
            "/");
    return Counting.of(spec.statistics(), new SparkConf(false));
  }

  /** A tensor that is a mini-batch. */
  static MiniBatches tensor(long number, ChannelView view) {
    return MiniBatchPlan.withoutKeys(MiniBatchRule.TENSORS)
        .of("bn", Optional.empty(), number, view, view.outer());
  }
}
