package org.sparkbatchnorm.source;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The order of a layer's keys: that of the numbers if all of them are decimal numbers, as {@code 2}
 * before {@code 10}, else that of the bytes of their UTF-8 text, which also decides between texts
 * of the same number.
 */
final class MiniBatchOrder {
  private static final Pattern NUMBER = Pattern.compile("[+-]?[0-9]{1,1000}(\\.[0-9]{1,1000})?");

  private static final Comparator<Key> BY_TEXT =
      Comparator.comparing(key -> key.utf8, Arrays::compareUnsigned);

  private final List<Key> keys;

  /** A key and what it is compared by. */
  private static final class Key {
    private final String text;
    private final byte[] utf8;
    private final BigDecimal number;

    Key(String text, BigDecimal number) {
      this.text = text;
      this.utf8 = text.getBytes(StandardCharsets.UTF_8);
      this.number = number;
    }
  }

  private MiniBatchOrder(List<Key> keys) {
    this.keys = keys;
  }

  /** These keys, no two of which are equal, in order. */
  static MiniBatchOrder of(Collection<String> texts) {
    boolean byNumber = texts.stream().allMatch(text -> NUMBER.matcher(text).matches());
    Comparator<Key> order =
        byNumber
            ? Comparator.<Key, BigDecimal>comparing(key -> key.number).thenComparing(BY_TEXT)
            : BY_TEXT;
    return new MiniBatchOrder(
        texts.stream()
            .map(text -> new Key(text, byNumber ? new BigDecimal(text) : null))
            .sorted(order)
            .toList());
  }

  /** How many there are. */
  int size() {
    return keys.size();
  }

  /** The key at a place. */
  String key(int place) {
    return keys.get(place).text;
  }

  /** Whether a key is the same number as the one before it, so that only their texts differ. */
  boolean isSameNumberAsBefore(int place) {
    BigDecimal number = keys.get(place).number;
    return number != null && number.compareTo(keys.get(place - 1).number) == 0;
  }
}
