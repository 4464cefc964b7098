package org.sparkbatchnorm.job;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/**
 * The known name that a misspelt one most likely stands for: the one with the fewest characters
 * inserted, left out, replaced or swapped with their neighbour, case aside (optimal string
 * alignment distance). A name is near if that takes at most one edit for every three characters of
 * the longer name, and one edit for names of up to three.
 */
final class NearestName {
  private static final int CHARACTERS_PER_EDIT = 3;

  /** Nothing that long is a slip of the pen, and the distance takes length x length steps. */
  private static final int LONGEST = 200;

  private NearestName() {}

  /** The nearest of the known names, the first of several equally near; empty if none is near. */
  static Optional<String> of(String found, Collection<String> known) {
    String nearest = null;
    int fewest = Integer.MAX_VALUE;
    for (String name : known) {
      int longer = Math.max(found.length(), name.length());
      if (longer > LONGEST) {
        continue;
      }
      int edits = edits(found.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT));
      if (edits < fewest && edits <= Math.max(1, longer / CHARACTERS_PER_EDIT)) {
        nearest = name;
        fewest = edits;
      }
    }
    return Optional.ofNullable(nearest);
  }

  private static int edits(String from, String to) {
    int[][] edits = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        if (i == 0 || j == 0) {
          edits[i][j] = i + j;
          continue;
        }
        boolean same = from.charAt(i - 1) == to.charAt(j - 1);
        int best = Math.min(edits[i - 1][j] + 1, edits[i][j - 1] + 1);
        best = Math.min(best, edits[i - 1][j - 1] + (same ? 0 : 1));
        if (i > 1
            && j > 1
            && from.charAt(i - 1) == to.charAt(j - 2)
            && from.charAt(i - 2) == to.charAt(j - 1)) {
          best = Math.min(best, edits[i - 2][j - 2] + 1);
        }
        edits[i][j] = best;
      }
    }
    return edits[from.length()][to.length()];
  }
}
