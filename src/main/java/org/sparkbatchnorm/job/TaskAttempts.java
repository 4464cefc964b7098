package org.sparkbatchnorm.job;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;

/** How often Spark tries a task before it gives up the job. */
final class TaskAttempts {
  private static final int DEFAULT = 4;

  /** {@code local[N,F]}: F attempts. */
  private static final Pattern LOCAL = Pattern.compile("local\\[[^,]*,\\s*([0-9]+)\\s*\\]");

  private TaskAttempts() {}

  /** In local mode what the master's URL says, or once: {@code spark.task.maxFailures} is moot. */
  static int of(JavaSparkContext spark) {
    return spark.isLocal()
        ? ofLocalMaster(spark.master())
        : spark.getConf().getInt("spark.task.maxFailures", DEFAULT);
  }

  static int ofLocalMaster(String master) {
    Matcher matcher = LOCAL.matcher(master);
    return matcher.matches() ? Integer.parseInt(matcher.group(1)) : 1;
  }

  /**
   * Whether the running task will not be tried again if it fails. May be true too early where
   * attempts were lost with their executors, which Spark does not count; never too late.
   */
  static boolean isLast(int attempts) {
    return TaskContext.get().attemptNumber() + 1 >= attempts;
  }
}
