package org.sparkbatchnorm.format.safetensors;

/**
 * What reader and writer allow in a header; more is an error of its own, found before it is held.
 */
final class Limits {
  /** The reference's {@code MAX_HEADER_SIZE}. */
  static final long HEADER_BYTES = 100_000_000;

  static final int TENSORS = 100_000;

  /** numpy's limit of old, which every framework keeps below. */
  static final int RANK = 32;

  /** Of a tensor's name, in UTF-8; dotted module paths are a few hundred. */
  static final int NAME_BYTES = 1 << 16;

  /** Of all metadata, keys and values, in UTF-8. */
  static final int METADATA_BYTES = 1 << 24;

  static final int METADATA_ENTRIES = 100_000;

  /** The key that is not a tensor. */
  static final String METADATA = "__metadata__";

  private static final int QUOTED = 100;

  private Limits() {}

  /** A name as it stands in messages, which must keep room for the rest. */
  static String quoted(String name) {
    return name.length() <= QUOTED
        ? "'" + name + "'"
        : "'" + name.substring(0, QUOTED) + "...' (" + name.length() + " characters)";
  }
}
