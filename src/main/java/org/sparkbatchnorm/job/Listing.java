package org.sparkbatchnorm.job;

import java.util.Collection;
import java.util.stream.Collectors;

/** Things in a message, of which there may be too many. */
final class Listing {
  private Listing() {}

  /**
   * The first things.
   *
   * @param most how many at most
   * @param separator what stands between them
   * @param more what stands behind them if there are more
   */
  static String of(Collection<?> things, int most, String separator, String more) {
    return things.stream().limit(most).map(Object::toString).collect(Collectors.joining(separator))
        + (things.size() > most ? more : "");
  }
}
