package org.sparkbatchnorm.job;

import java.io.Serializable;
import java.util.Comparator;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * Where something was found: the first of several is the same whatever the order in which they turn
 * up.
 *
 * @param file path or URI, as messages show it
 * @param position orders places within a file: a byte offset, or a row
 * @param offset byte offset, or {@link MalformedFileException#NO_OFFSET}
 * @param text the tensor or row, and the element
 */
record Place(String file, long position, long offset, String text)
    implements Comparable<Place>, Serializable {
  private static final long serialVersionUID = 1L;
  private static final Comparator<Place> ORDER =
      Comparator.comparing(Place::file)
          .thenComparingLong(Place::position)
          .thenComparing(Place::text);

  @Override
  public int compareTo(Place other) {
    return ORDER.compare(this, other);
  }

  /** The earlier of two places, either of which may be absent (null). */
  static Place first(Place a, Place b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    return a.compareTo(b) <= 0 ? a : b;
  }

  MalformedFileException failure(String code, String reason) {
    return new MalformedFileException(file, offset, code, text + ": " + reason);
  }
}
