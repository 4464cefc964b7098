package org.sparkbatchnorm.format.npy;

import org.sparkbatchnorm.format.zip.ArchiveEntry;

/**
 * An array of numbers in an npz file.
 *
 * @param name as numpy has it: that of the entry without {@code .npy}
 * @param header what it is; its offset is that in the content of the entry
 * @param entry where it stands
 */
public record NpzArray(String name, NpyHeader header, ArchiveEntry entry) {
  /**
   * Offset of the first element in the file, if the entry is stored; in the file as {@link
   * org.sparkbatchnorm.format.zip.ZipArchive#openChecked} shows it in any case.
   */
  public long offset() {
    return entry.dataOffset() + header.dataOffset();
  }
}
