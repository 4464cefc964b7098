package org.sparkbatchnorm.job;

import org.apache.spark.SparkThrowable;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.StoredFile;

/** What Spark's own readers throw, as the one exception that names file and code. */
final class TableFailure {
  private TableFailure() {}

  /**
   * The failure with code {@code TABLE_READ}, of the file where Spark says which one it is.
   *
   * @throws RuntimeException the failure itself, if it says nothing about the table: somebody
   *     cancelled the job
   */
  static MalformedFileException describe(String table, Exception failure) {
    StringBuilder reason = new StringBuilder("Spark could not read it");
    String file = table;
    String last = "";
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SparkThrowable spark) {
        if ("SPARK_JOB_CANCELLED".equals(spark.getCondition())) {
          throw unchecked(failure);
        }
        file = StoredFile.display(spark.getMessageParameters().getOrDefault("path", file));
      }
      String message = firstLine(cause);
      if (!message.equals(last)) {
        reason.append(": ").append(message);
        last = message;
      }
    }
    return new MalformedFileException(
        file, MalformedFileException.NO_OFFSET, "TABLE_READ", reason.toString());
  }

  private static RuntimeException unchecked(Exception failure) {
    return failure instanceof RuntimeException unchecked
        ? unchecked
        : new IllegalStateException(failure.getMessage(), failure);
  }

  private static String firstLine(Throwable failure) {
    String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }
}
