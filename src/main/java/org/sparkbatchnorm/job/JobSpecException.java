package org.sparkbatchnorm.job;

/**
 * The job is described wrongly: an unknown key, a value that is not allowed, invalid YAML, a
 * setting that is missing. The message says where, what was found and what is allowed, and is all
 * that a user needs to see (exit code 2).
 */
public final class JobSpecException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** An exception with this message. */
  public JobSpecException(String message) {
    super(message);
  }
}
