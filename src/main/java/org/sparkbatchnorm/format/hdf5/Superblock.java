package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.Arrays;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * Where a file begins (spec, section II.A): versions 0 and 1, which h5py writes unless told
 * otherwise, and 2 and 3.
 *
 * @param base end of the user block, which all addresses count from
 * @param end of the file, as it says itself
 * @param rootAddress of the root group's object header
 */
record Superblock(long base, long end, long rootAddress) {
  private static final byte[] SIGNATURE = {
    (byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n',
  };

  /** User blocks are this long or a power of two times as long. */
  private static final int SMALLEST_USER_BLOCK = 512;

  /** Of versions 0 and 1, as far as the root group's address: the longest. */
  private static final int BYTES = 80;

  /** Of versions 2 and 3. */
  private static final int CHECKED_BYTES = 48;

  /** Offsets and lengths of 8 bytes: the HDF5 library's own choice on every machine of today. */
  private static final int WIDTH = 8;

  private static final String WHAT = "superblock";

  /** A writer has the file open, alone or with readers (spec, file consistency flags). */
  private static final int OPEN_FOR_WRITING = 0b101;

  /**
   * Finds and reads it.
   *
   * @throws MalformedFileException HDF5_SIGNATURE if there is none
   */
  static Superblock read(ReadableBytes file, Pages pages) throws IOException {
    byte[] signature = new byte[SIGNATURE.length];
    for (long base = 0; base <= file.length() - SIGNATURE.length; ) {
      pages.read(base, signature);
      if (Arrays.equals(signature, SIGNATURE)) {
        return read(file, pages, base);
      }
      base = base == 0 ? SMALLEST_USER_BLOCK : 2 * base;
    }
    throw new MalformedFileException(
        file.name(),
        0,
        "HDF5_SIGNATURE",
        "no HDF5 file: its first bytes, or those after a user block, are not 0x89 H D F");
  }

  private static Superblock read(ReadableBytes file, Pages pages, long base) throws IOException {
    byte[] bytes = new byte[(int) Math.min(BYTES, file.length() - base)];
    pages.read(base, bytes);
    Fields fields = new Fields(file.name(), WHAT, bytes, base);
    fields.skip(SIGNATURE.length);
    int version = fields.u8();
    Superblock superblock =
        switch (version) {
          case 0, 1 -> old(fields, version);
          case 2, 3 -> checked(fields);
          default ->
              throw new MalformedFileException(
                  file.name(),
                  base + SIGNATURE.length,
                  "HDF5_UNSUPPORTED",
                  "superblock of version " + version + ", expected 0 to 3");
        };
    if (superblock.base != base) {
      throw new MalformedFileException(
          file.name(),
          base,
          "HDF5_INVALID",
          "the superblock stands at " + base + ", but says it does at " + superblock.base);
    }
    if (superblock.end > file.length()) {
      throw new MalformedFileException(
          file.name(),
          file.length(),
          "HDF5_TRUNCATED",
          "the file has " + file.length() + " bytes, but says it has " + superblock.end);
    }
    if (superblock.end < base) {
      throw new MalformedFileException(
          file.name(), base, "HDF5_INVALID", "the file says it ends at " + superblock.end);
    }
    return superblock;
  }

  private static Superblock old(Fields fields, int version) throws MalformedFileException {
    fields.skip(4);
    requireWidths(fields);
    // Reserved, ranks of the trees, consistency flags; version 1 has one rank more.
    fields.skip(version == 0 ? 9 : 13);
    final long base = fields.address();
    fields.address();
    final long end = fields.address();
    if (fields.address() != Fields.UNDEFINED) {
      throw fields.malformed("HDF5_EXTERNAL", "the file is one of several that belong together");
    }
    fields.length();
    return new Superblock(base, end, fields.address());
  }

  private static Superblock checked(Fields fields) throws MalformedFileException {
    Lookup3.verify(WHAT, fields.from(0).take(CHECKED_BYTES));
    requireWidths(fields);
    if ((fields.u8() & OPEN_FOR_WRITING) != 0) {
      throw fields.malformed("HDF5_INVALID", "the file was not closed by who wrote it");
    }
    final long base = fields.address();
    fields.address();
    final long end = fields.address();
    return new Superblock(base, end, fields.address());
  }

  private static void requireWidths(Fields fields) throws MalformedFileException {
    int offsets = fields.u8();
    int lengths = fields.u8();
    if (offsets != WIDTH || lengths != WIDTH) {
      throw fields.malformed(
          "HDF5_UNSUPPORTED",
          "offsets of " + offsets + " and lengths of " + lengths + " bytes, expected 8");
    }
  }
}
