package org.sparkbatchnorm.format.hdf5;

import org.sparkbatchnorm.format.MalformedFileException;

/**
 * Where the elements of a dataset lie (spec, section IV.A.2.i).
 *
 * @param storage how they are kept
 * @param offset in the file of the first, or {@link MalformedFileException#NO_OFFSET}
 */
record Layout(Hdf5Storage storage, long offset) {
  private static final int COMPACT = 0;
  private static final int CONTIGUOUS = 1;
  private static final int CHUNKED = 2;
  private static final int VIRTUAL = 3;

  /**
   * Reads the message.
   *
   * @param bytes what the elements take
   */
  static Layout read(Fields message, Structures file, long bytes) throws MalformedFileException {
    Fields start = message.from(0);
    int version = message.u8();
    if (version < 3 || version > 5) {
      throw start.malformed(
          "HDF5_UNSUPPORTED", "data layout of version " + version + ", expected 3 to 5");
    }
    int layoutClass = message.u8();
    return switch (layoutClass) {
      case COMPACT -> {
        requireSize(start, message.u16(), bytes);
        yield new Layout(Hdf5Storage.COMPACT, message.take(bytes).offset());
      }
      case CONTIGUOUS -> {
        final long address = message.address();
        requireSize(start, message.length(), bytes);
        if (address == Fields.UNDEFINED) {
          yield new Layout(Hdf5Storage.UNWRITTEN, MalformedFileException.NO_OFFSET);
        }
        yield new Layout(Hdf5Storage.CONTIGUOUS, file.offset("a dataset", address, bytes));
      }
      case CHUNKED -> new Layout(Hdf5Storage.CHUNKED, MalformedFileException.NO_OFFSET);
      case VIRTUAL ->
          throw start.malformed(
              "HDF5_EXTERNAL", "a virtual dataset, whose elements are in other files or datasets");
      default -> throw start.malformed("HDF5_INVALID", "data layout of class " + layoutClass);
    };
  }

  private static void requireSize(Fields start, long found, long expected)
      throws MalformedFileException {
    if (found != expected) {
      throw start.malformed(
          "SIZE_MISMATCH", "shape and type take " + expected + " bytes, but there are " + found);
    }
  }
}
