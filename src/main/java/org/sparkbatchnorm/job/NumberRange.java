package org.sparkbatchnorm.job;

import java.util.Arrays;
import java.util.Locale;

/** The smallest and the largest of some numbers, for tables. */
final class NumberRange {
  private NumberRange() {}

  /** As {@code -0.5 .. 1.25} with five digits; NaN counts as largest, so that it shows. */
  static String of(double[] values) {
    if (values.length == 0) {
      return "-";
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return number(sorted[0]) + " .. " + number(sorted[sorted.length - 1]);
  }

  /** As {@code 802816}, or {@code 802810 .. 802816} where they differ. */
  static String of(long[] values) {
    if (values.length == 0) {
      return "-";
    }
    long[] sorted = values.clone();
    Arrays.sort(sorted);
    long last = sorted[sorted.length - 1];
    return sorted[0] == last ? Long.toString(last) : sorted[0] + " .. " + last;
  }

  /** As {@code 0.5} with five digits. */
  static String number(double value) {
    return String.format(Locale.ROOT, "%.5g", value);
  }
}
