package org.sparkbatchnorm.format.zip;

import java.util.List;

/** An entry of an archive: its name, and where its content stands. Immutable. */
public final class ArchiveEntry {
  private final CentralHeader header;
  private final long dataOffset;
  private final List<Long> checksumOffsets;

  ArchiveEntry(CentralHeader header, long dataOffset, List<Long> checksumOffsets) {
    this.header = header;
    this.dataOffset = dataOffset;
    this.checksumOffsets = List.copyOf(checksumOffsets);
  }

  /** The name: with {@code /} between its parts, unique in the archive, never a path outwards. */
  public String name() {
    return header.name();
  }

  /** Whether the content stands in the file as it is; if not, it is deflated. */
  public boolean isStored() {
    return header.method() == Field.STORED;
  }

  /** Length of the content, as declared; {@link ZipArchive#requireIntact} checks it. */
  public long size() {
    return header.size();
  }

  /** Length of the data in the file: that of the content if it is stored. */
  public long storedBytes() {
    return header.storedBytes();
  }

  /** CRC-32 of the content, as declared. */
  public int crc32() {
    return header.crc32();
  }

  /** Offset in the file of the first byte of data. */
  public long dataOffset() {
    return dataOffset;
  }

  /** Offset in the file of the byte after the last of data. */
  public long dataEnd() {
    return dataOffset + header.storedBytes();
  }

  /** Offsets in the file of the CRC-32, two or three: all that must change with the content. */
  List<Long> checksumOffsets() {
    return checksumOffsets;
  }

  @Override
  public String toString() {
    return Limits.quoted(name()) + ", " + size() + " bytes at " + dataOffset;
  }
}
