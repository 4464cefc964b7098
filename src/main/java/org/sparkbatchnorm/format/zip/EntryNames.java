package org.sparkbatchnorm.format.zip;

import java.util.regex.Pattern;

/** Which names an entry may have, for reader and writer. */
final class EntryNames {
  /** Empty, absolute, with a drive, with a step up, or with what no path holds. */
  private static final Pattern UNFIT =
      Pattern.compile("|/.*|[A-Za-z]:/.*|(.*/)?\\.\\.(/.*)?|.*[\\p{Cntrl}\\\\].*", Pattern.DOTALL);

  private EntryNames() {}

  /** Whether a name leads out of the archive, or is none. */
  static boolean isUnfit(String name) {
    return UNFIT.matcher(name).matches();
  }
}
