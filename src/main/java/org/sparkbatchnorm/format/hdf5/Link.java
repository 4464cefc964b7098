package org.sparkbatchnorm.format.hdf5;

import org.sparkbatchnorm.format.MalformedFileException;

/**
 * A name for an object of this file.
 *
 * @param name without slashes
 * @param address of the object's header
 * @param offset in the file of what says so
 */
record Link(String name, long address, long offset) {
  /**
   * A hard link.
   *
   * @param fields positioned where the problem would be
   */
  static Link of(Structures file, String name, long address, Fields fields)
      throws MalformedFileException {
    if (name.isEmpty() || name.equals(".") || name.indexOf('/') >= 0) {
      throw fields.malformed(
          "HDF5_INVALID", Limits.quoted(name) + " is no name of a group or dataset");
    }
    return new Link(file.hold(name), address, fields.offset());
  }

  /** What becomes of a soft link: nothing that Keras writes, or would read. */
  static MalformedFileException soft(String name, Fields fields) {
    return fields.malformed(
        "HDF5_LINK", Limits.quoted(name) + " is a soft link; expected groups and datasets alone");
  }
}
