package org.sparkbatchnorm.estimator;

/**
 * What becomes of a channel in which NaN or infinities were found. They are counted apart in any
 * case.
 */
public enum NonFinitePolicy {
  /** The job fails, and names the layers and channels. */
  FAIL("fail"),
  /** They are left out: the statistics are those of the finite values. */
  SKIP("skip"),
  /** Mean and variance of that channel become NaN. */
  PROPAGATE("propagate");

  private final String word;

  NonFinitePolicy(String word) {
    this.word = word;
  }

  /** The word for it on the command line and in job files. */
  public String word() {
    return word;
  }
}
