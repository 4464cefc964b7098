package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * What an HDF5 file holds: its groups and its datasets, each reached by one path. Immutable; the
 * elements of the datasets stay in the file.
 */
public final class Hdf5File {
  private final List<Hdf5Group> groups;
  private final List<Hdf5Dataset> datasets;

  private Hdf5File(List<Hdf5Group> groups, List<Hdf5Dataset> datasets) {
    this.groups = List.copyOf(groups);
    this.datasets = List.copyOf(datasets);
  }

  /**
   * Reads what describes the objects of a file, and none of their elements.
   *
   * @param attributes names of the attributes that are kept, where an object has them
   * @throws MalformedFileException with one of these codes, and the offset of the field or
   *     structure where it shows:
   *     <ul>
   *       <li>HDF5_SIGNATURE: no HDF5 file
   *       <li>HDF5_TRUNCATED: the file, or the place of a structure or dataset, ends before it
   *           should
   *       <li>HDF5_CHECKSUM: a structure is not what was written
   *       <li>HDF5_INVALID: a structure is none, or contradicts itself or another
   *       <li>HDF5_UNSUPPORTED: a part of HDF5 that no writer of weights uses
   *       <li>HDF5_EXTERNAL: something lies in another file
   *       <li>HDF5_LINK: a soft link, or a second name for one object
   *       <li>HDF5_CYCLE: a group lies inside itself, or structures share their bytes
   *       <li>HDF5_DEPTH, HDF5_TOO_LARGE, NAME_TOO_LONG, RANK_TOO_LARGE: beyond a limit
   *       <li>SIZE_OVERFLOW, SIZE_MISMATCH: shape, type and stored bytes do not agree
   *       <li>OVERLAP: two datasets share elements
   *     </ul>
   *
   * @throws IOException if reading fails, or the file is shorter than it said
   */
  public static Hdf5File read(ReadableBytes file, Set<String> attributes) throws IOException {
    Pages pages = new Pages(file);
    Superblock superblock = Superblock.read(file, pages);
    Structures structures = new Structures(file, pages, superblock.base(), superblock.end());
    ObjectWalk walk = new ObjectWalk(structures, new Attributes(structures, attributes));
    walk.from(superblock.rootAddress());
    requireDistinct(file, walk.datasets());
    return new Hdf5File(walk.groups(), walk.datasets());
  }

  private static void requireDistinct(ReadableBytes file, List<Hdf5Dataset> datasets)
      throws MalformedFileException {
    List<Hdf5Dataset> placed = new ArrayList<>(datasets);
    placed.removeIf(
        dataset -> dataset.offset() == MalformedFileException.NO_OFFSET || dataset.bytes() == 0);
    placed.sort(Comparator.comparingLong(Hdf5Dataset::offset));
    for (int i = 1; i < placed.size(); i++) {
      Hdf5Dataset before = placed.get(i - 1);
      Hdf5Dataset dataset = placed.get(i);
      if (before.bytes() > dataset.offset() - before.offset()) {
        throw new MalformedFileException(
            file.name(),
            dataset.offset(),
            "OVERLAP",
            Limits.quoted(dataset.path())
                + " begins inside the elements of "
                + Limits.quoted(before.path()));
      }
    }
  }

  /** The groups, each before what is in it; names with numbers in the order of the numbers. */
  public List<Hdf5Group> groups() {
    return groups;
  }

  /** The datasets, in the same order. */
  public List<Hdf5Dataset> datasets() {
    return datasets;
  }
}
