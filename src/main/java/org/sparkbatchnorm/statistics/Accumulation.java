package org.sparkbatchnorm.statistics;

/** How the sums of a channel are kept. */
public enum Accumulation {
  /**
   * As fixed-point integers, without any rounding: the same data give the same bits, whatever the
   * partitioning, the order and the retries.
   */
  EXACT("exact"),
  /**
   * As count, mean and sum of squared deviations in double (Welford, Chan): 24 bytes a channel,
   * right to rounding; the last bits depend on the order.
   */
  WELFORD("welford");

  private final String word;

  Accumulation(String word) {
    this.word = word;
  }

  /** The word for it on the command line, in job files, reports and checkpoints. */
  public String word() {
    return word;
  }
}
