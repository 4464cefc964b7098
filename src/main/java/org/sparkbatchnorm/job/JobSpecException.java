package org.sparkbatchnorm.job;

import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * The job is described wrongly: an unknown key, a value that is not allowed, invalid YAML, a
 * setting that is missing. The message says where, what was found and what is allowed, and is all
 * that a user needs to see (exit code 2).
 */
public final class JobSpecException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * A path whose end does not name a format that is wanted there.
   *
   * @param option that it was given with
   * @param suffixes how it may end
   */
  static JobSpecException ofSuffix(String option, String path, String suffixes) {
    return new JobSpecException(
        option
            + " "
            + Printable.escape(StoredFile.display(path))
            + ": expected a path that ends in "
            + suffixes);
  }

  /** An exception with this message. */
  public JobSpecException(String message) {
    super(message);
  }
}
