package org.sparkbatchnorm.job;

import org.sparkbatchnorm.format.MalformedFileException;

/** What Spark's own readers throw, as the one exception that names file and code. */
final class TableFailure {
  private TableFailure() {}

  /** The failure with code {@code TABLE_READ}; Spark's messages name the file. */
  static MalformedFileException describe(String table, Throwable failure) {
    StringBuilder reason = new StringBuilder("Spark could not read it");
    String last = "";
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      String message = firstLine(cause);
      if (!message.equals(last)) {
        reason.append(": ").append(message);
        last = message;
      }
    }
    return new MalformedFileException(
        table, MalformedFileException.NO_OFFSET, "TABLE_READ", reason.toString());
  }

  private static String firstLine(Throwable failure) {
    String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }
}
