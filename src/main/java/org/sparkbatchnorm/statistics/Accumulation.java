package org.sparkbatchnorm.statistics;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

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

  /** The accumulation of this word. */
  public static Optional<Accumulation> ofWord(String word) {
    return Arrays.stream(values()).filter(kind -> kind.word.equals(word)).findFirst();
  }

  /** All words, for messages. */
  public static String words() {
    return Arrays.stream(values()).map(Accumulation::word).collect(Collectors.joining(", "));
  }
}
