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
        i = withoutZeros(a, i);
        j = withoutZeros(b, j);
        int lengthA = endOfNumber(a, i) - i;
        int lengthB = endOfNumber(b, j) - j;
        order =
            lengthA != lengthB
                ? lengthA - lengthB
                : a.substring(i, i + lengthA).compareTo(b.substring(j, j + lengthB));
        i += lengthA;
        j += lengthB;
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

  private static int withoutZeros(String text, int from) {
    int start = from;
    while (start < text.length() && text.charAt(start) == '0') {
      start++;
    }
    return start;
  }
}
