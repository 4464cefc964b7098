package org.sparkbatchnorm.job;

import java.util.Map;
import java.util.StringJoiner;
import org.sparkbatchnorm.estimator.NonFinitePolicy;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.statistics.NonFiniteCounts;

/** Refuses a dataset with NaN or infinities in it, after all of them were counted. */
final class NonFiniteRefusal {
  /** Layers that a message names. */
  private static final int NAMED = 5;

  private NonFiniteRefusal() {}

  /**
   * Lets everything pass unless the policy is {@link NonFinitePolicy#FAIL}.
   *
   * @throws MalformedFileException {@code NON_FINITE}, at the first such value in the order of
   *     files and offsets, with the counts of the first few layers
   */
  static void apply(NonFinitePolicy policy, ScanState state) throws MalformedFileException {
    if (policy != NonFinitePolicy.FAIL || state.firstNonFinite() == null) {
      return;
    }
    StringJoiner found = new StringJoiner("; ");
    int named = 0;
    int more = 0;
    for (Map.Entry<String, LayerScan> entry : state.layers().entrySet()) {
      NonFiniteCounts counts = entry.getValue().nonFinite();
      if (counts.total() > 0 && named < NAMED) {
        found.add(
            "layer "
                + Printable.escape(entry.getKey())
                + ": "
                + describe(counts, entry.getValue().channels()));
        named++;
      } else if (counts.total() > 0) {
        more++;
      }
    }
    if (more > 0) {
      found.add("and " + more + " more layers");
    }
    throw state
        .firstNonFinite()
        .failure(
            "NON_FINITE",
            "the first of the values that are not finite; "
                + found
                + " (--non-finite skip leaves them out, propagate makes their channels NaN)");
  }

  private static String describe(NonFiniteCounts counts, int channels) {
    long nan = 0;
    long positive = 0;
    long negative = 0;
    int first = -1;
    int affected = 0;
    for (int c = 0; c < channels; c++) {
      nan += counts.nan(c);
      positive += counts.positiveInfinity(c);
      negative += counts.negativeInfinity(c);
      if (counts.inChannel(c) > 0) {
        first = first < 0 ? c : first;
        affected++;
      }
    }
    return nan
        + " NaN, "
        + positive
        + " +Inf, "
        + negative
        + " -Inf in "
        + affected
        + (affected == 1 ? " channel (" : " channels (the first is ")
        + first
        + ")";
  }
}
