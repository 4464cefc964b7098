package org.sparkbatchnorm.format.zip;

/** What reader and writer allow; more is an error of its own, found before it is held. */
final class Limits {
  /** Models have an entry or three for each tensor. */
  static final int ENTRIES = 100_000;

  /** Of the whole central directory: names, extra fields and comments included. */
  static final int DIRECTORY_BYTES = 1 << 25;

  /** What a check or an inflation reads at once. */
  static final int CHUNK_BYTES = 1 << 16;

  private static final int QUOTED = 100;

  private Limits() {}

  /** A name as it stands in messages, which must keep room for the rest. */
  static String quoted(String name) {
    return name.length() <= QUOTED
        ? "'" + name + "'"
        : "'" + name.substring(0, QUOTED) + "...' (" + name.length() + " characters)";
  }
}
