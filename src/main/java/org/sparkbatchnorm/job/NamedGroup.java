package org.sparkbatchnorm.job;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A group that a regular expression names, as {@code (?<layer>...)}. */
final class NamedGroup {
  private NamedGroup() {}

  /** Whether a regular expression has a group of this name. */
  static boolean isIn(String regex, String name) {
    // An alternative in front that matches the empty text lets the matcher tell its groups.
    Matcher anything = Pattern.compile("|" + regex).matcher("");
    if (!anything.find()) {
      throw new IllegalStateException("the empty text does not match |" + regex);
    }
    try {
      anything.start(name);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
