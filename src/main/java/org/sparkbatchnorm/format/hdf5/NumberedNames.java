package org.sparkbatchnorm.format.hdf5;

import java.util.Comparator;

/**
 * The order of names that end in numbers: {@code conv2d}, {@code conv2d_2}, {@code conv2d_10}. Runs
 * of digits compare as numbers, all else by code unit.
 */
final class NumberedNames {
  static final Comparator<String> ORDER = NumberedNames::compare;

  private NumberedNames() {}

  private static int compare(String a, String b) {
    int i = 0;
    int j = 0;
    while (i < a.length() && j < b.length()) {
      int order;
      if (isDigit(a.charAt(i)) && isDigit(b.charAt(j))) {
        int endA = endOfNumber(a, i);
        int endB = endOfNumber(b, j);
        order = compareNumbers(a.substring(i, endA), b.substring(j, endB));
        i = endA;
        j = endB;
      } else {
        order = Character.compare(a.charAt(i++), b.charAt(j++));
      }
      if (order != 0) {
        return order;
      }
    }
    int rest = (a.length() - i) - (b.length() - j);
    // Numbers that differ by leading zeros alone.
    return rest != 0 ? rest : a.compareTo(b);
  }

  private static boolean isDigit(char symbol) {
    return symbol >= '0' && symbol <= '9';
  }

  private static int endOfNumber(String text, int from) {
    int end = from;
    while (end < text.length() && isDigit(text.charAt(end))) {
      end++;
    }
    return end;
  }

  private static int compareNumbers(String a, String b) {
    String x = a.replaceFirst("^0+", "");
    String y = b.replaceFirst("^0+", "");
    return x.length() != y.length() ? x.length() - y.length() : x.compareTo(y);
  }
}
