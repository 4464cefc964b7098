package org.sparkbatchnorm.estimator;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

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

  /** The policy of this word. */
  public static Optional<NonFinitePolicy> ofWord(String word) {
    return Arrays.stream(values()).filter(policy -> policy.word.equals(word)).findFirst();
  }

  /** All words, for messages. */
  public static String words() {
    return Arrays.stream(values()).map(NonFinitePolicy::word).collect(Collectors.joining(", "));
  }
}
