package org.sparkbatchnorm.job;

/** Numbers of things, for people. */
final class Quantity {
  private Quantity() {}

  /** As {@code 1 layer} or {@code 3 layers}. */
  static String of(long number, String thing) {
    return number + " " + thing + (number == 1 ? "" : "s");
  }
}
