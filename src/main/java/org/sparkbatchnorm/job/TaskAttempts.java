package org.sparkbatchnorm.job;

import org.apache.spark.api.java.JavaSparkContext;

/** How often Spark tries a task before it gives up the job. */
final class TaskAttempts {
  private static final int DEFAULT = 4;

  private TaskAttempts() {}

  /** Once in local mode, where {@code spark.task.maxFailures} does not count. */
  static int of(JavaSparkContext spark) {
    return spark.isLocal() ? 1 : spark.getConf().getInt("spark.task.maxFailures", DEFAULT);
  }
}
