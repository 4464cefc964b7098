package org.sparkbatchnorm.source;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The order of a layer's keys: that of the numbers if all of them are decimal numbers, as {@code 2}
 * before {@code 10}, else that of the bytes of their UTF-8 text, which also decides between texts
 * of the same number.
 *
 * @param keys in order
 * @param byNumber whether all are numbers
 */
record MiniBatchOrder(List<String> keys, boolean byNumber) {
  private static final Pattern NUMBER = Pattern.compile("[+-]?[0-9]{1,1000}(\\.[0-9]{1,1000})?");

  /** These keys, no two of which are equal, in order. */
  static MiniBatchOrder of(Collection<String> keys) {
    boolean byNumber = keys.stream().allMatch(key -> NUMBER.matcher(key).matches());
    Comparator<String> text =
        Comparator.comparing(key -> key.getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned);
    List<String> ordered = new ArrayList<>(keys);
    ordered.sort(
        byNumber
            ? Comparator.<String, BigDecimal>comparing(BigDecimal::new).thenComparing(text)
            : text);
    return new MiniBatchOrder(ordered, byNumber);
  }

  /** Whether a key is the same number as the one before it. */
  boolean isSameNumberAsBefore(int place) {
    return byNumber
        && new BigDecimal(keys.get(place - 1)).compareTo(new BigDecimal(keys.get(place))) == 0;
  }
}
