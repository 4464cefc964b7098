package org.sparkbatchnorm.format.hdf5;

/** What a file may hold at most; the weights of no model come near. */
final class Limits {
  /** Groups and datasets. */
  static final int OBJECTS = 100_000;

  /** Pieces that the objects are described in. */
  static final int STRUCTURES = 1_000_000;

  /** Of one such piece: an object's messages, a heap of names. */
  static final int STRUCTURE_BYTES = 1 << 24;

  /** Of one object: HDF5 counts them in 16 bits where it counts them. */
  static final int MESSAGES = 1 << 16;

  /** Groups inside groups. */
  static final int DEPTH = 100;

  /** Of a link's or an attribute's name, and of an attribute's text, in UTF-8. */
  static final int NAME_BYTES = 1 << 12;

  /** Of all names, paths and texts together: deep groups repeat the names above them. */
  static final int CHARACTERS = 1 << 24;

  /** Of all values of variable length. */
  static final int HEAP_BYTES = 1 << 24;

  /** That of the HDF5 library. */
  static final int RANK = 32;

  private static final int QUOTED = 200;

  private Limits() {}

  /** A name as it stands in messages, which must keep room for the rest. */
  static String quoted(String name) {
    return name.length() <= QUOTED
        ? "'" + name + "'"
        : "'" + name.substring(0, QUOTED) + "...' (" + name.length() + " characters)";
  }
}
