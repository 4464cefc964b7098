package org.sparkbatchnorm.format.zip;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.sparkbatchnorm.format.ByteChange;
import org.sparkbatchnorm.format.ChangedBytes;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * A zip whose directory and local headers have been checked as a whole; contents are checked one by
 * one, by {@link #requireIntact}. Holds the entries and no content. As thread-safe as the file,
 * which belongs to whoever opened it.
 */
public final class ZipArchive {
  private final ReadableBytes file;
  private final Map<String, ArchiveEntry> entries = new LinkedHashMap<>();
  private final NavigableMap<Long, ArchiveEntry> byDataOffset = new TreeMap<>();

  private ZipArchive(ReadableBytes file, List<ArchiveEntry> entries) {
    this.file = file;
    for (ArchiveEntry entry : entries) {
      this.entries.put(entry.name(), entry);
      byDataOffset.put(entry.dataOffset(), entry);
    }
  }

  /**
   * Reads and checks the directory and every local header; of the data only the lengths are looked
   * at. A zip may have no entries.
   *
   * @throws MalformedFileException with one of these codes, and the offset of the header or record
   *     where it shows:
   *     <ul>
   *       <li>ZIP_MAGIC: the file does not begin as a zip does
   *       <li>ZIP_TRUNCATED, ZIP_TRAILING_BYTES: the directory's end is not the end of the file
   *       <li>ZIP_DIRECTORY: end, zip64 end and directory are broken, disagree, or speak of other
   *           files
   *       <li>ZIP_TOO_MANY_ENTRIES (above 100,000), ZIP_DIRECTORY_TOO_LARGE (above 32 MiB)
   *       <li>ZIP_NAME: a name is empty, absolute, goes upwards, holds control characters or
   *           backslashes, or is no UTF-8 (ASCII, if its flag does not say UTF-8)
   *       <li>ZIP_DUPLICATE: two entries of one name
   *       <li>ZIP_ENCRYPTED, ZIP_METHOD, ZIP_FLAGS: neither stored nor deflated, or in other ways
   *           not plain
   *       <li>ZIP_EXTRA: broken extra fields, a missing zip64 field, or a second name
   *       <li>ZIP_SIZE: a stored entry whose two sizes differ
   *       <li>ZIP_OVERLAP, ZIP_GAP: records do not follow each other
   *       <li>ZIP_LOCAL_HEADER, ZIP_DESCRIPTOR: not what the directory says
   *     </ul>
   *
   * @throws IOException if reading fails, or the file is shorter than it said
   */
  public static ZipArchive read(ReadableBytes file) throws IOException {
    DirectoryPlace place = DirectoryPlace.find(file);
    List<CentralHeader> headers = new DirectoryReader(file, place).read();
    return new ZipArchive(file, new RecordReader(file, place.offset()).read(headers));
  }

  /** The entries, in the order of the directory. */
  public List<ArchiveEntry> entries() {
    return List.copyOf(entries.values());
  }

  /** The entry of this name. */
  public Optional<ArchiveEntry> entry(String name) {
    return Optional.ofNullable(entries.get(name));
  }

  /**
   * The content of an entry as a file of its own, called {@code ARCHIVE!/ENTRY}. A deflated one is
   * inflated while it is read: forwards that takes one pass, and a step back begins again. It can
   * be read no further than the size declared, whatever the data hold. Not thread-safe.
   */
  public ReadableBytes open(ArchiveEntry entry) {
    String name = file.name() + "!/" + entry.name();
    return entry.isStored()
        ? new StoredBytes(name, file, entry)
        : new InflatedBytes(name, file, entry);
  }

  /**
   * The content of an entry, at the positions from {@link ArchiveEntry#dataOffset} on, in a file
   * called as the archive is: what stands in the archive if the entry is stored. It is checked by
   * {@link #requireIntact} when it is read for the first time. Not thread-safe.
   */
  public ReadableBytes openChecked(ArchiveEntry entry) {
    return new CheckedBytes(file, this, entry);
  }

  /**
   * Reads an entry's content once, in pieces, and checks it.
   *
   * @throws MalformedFileException with the offset of its data in the file: ZIP_CRC; for a deflated
   *     entry ZIP_SIZE (found as soon as there is more than declared) or ZIP_DEFLATE
   * @throws IOException if reading fails
   */
  public void requireIntact(ArchiveEntry entry) throws IOException {
    int found;
    if (entry.isStored()) {
      found = crc32(file, entry);
    } else {
      try (InflatedBytes content = new InflatedBytes(file.name(), file, entry)) {
        found = content.crc32();
      }
    }
    if (found != entry.crc32()) {
      throw new MalformedFileException(
          file.name(),
          entry.dataOffset(),
          "ZIP_CRC",
          String.format(
              "CRC-32 of %s is 0x%08x, but the archive says 0x%08x",
              Limits.quoted(entry.name()), found, entry.crc32()));
    }
  }

  /**
   * What must change in headers and descriptors so that the archive is in order after these
   * changes. Contents that change are read twice, and must be intact before.
   *
   * @param changes inside the data of stored entries
   * @return the changes that give the entries their new CRC-32, which do not hold the given ones
   * @throws MalformedFileException ZIP_CRC if an entry is not intact before the change
   * @throws IllegalArgumentException if a change is not inside the data of one stored entry, or two
   *     overlap
   * @throws IOException if reading fails
   */
  public List<ByteChange> checksumChanges(List<ByteChange> changes) throws IOException {
    Map<ArchiveEntry, List<ByteChange>> byEntry = new LinkedHashMap<>();
    for (ByteChange change : changes) {
      byEntry.computeIfAbsent(entryAround(change), entry -> new ArrayList<>()).add(change);
    }
    List<ByteChange> checksums = new ArrayList<>();
    for (Map.Entry<ArchiveEntry, List<ByteChange>> changed : byEntry.entrySet()) {
      ArchiveEntry entry = changed.getKey();
      requireIntact(entry);
      byte[] checksum = littleEndian(crc32(new ChangedBytes(file, changed.getValue()), entry));
      entry.checksumOffsets().forEach(offset -> checksums.add(ByteChange.of(offset, checksum)));
    }
    return Collections.unmodifiableList(checksums);
  }

  private ArchiveEntry entryAround(ByteChange change) {
    Map.Entry<Long, ArchiveEntry> before = byDataOffset.floorEntry(change.offset());
    if (before != null
        && before.getValue().isStored()
        && change.end() <= before.getValue().dataEnd()) {
      return before.getValue();
    }
    throw new IllegalArgumentException(
        change + " are not inside one stored entry of " + file.name());
  }

  /** Of the data of a stored entry. */
  private static int crc32(ReadableBytes bytes, ArchiveEntry entry) throws IOException {
    CRC32 crc = new CRC32();
    byte[] chunk = new byte[(int) Math.min(Limits.CHUNK_BYTES, entry.size())];
    for (long at = entry.dataOffset(); at < entry.dataEnd(); at += chunk.length) {
      int count = (int) Math.min(chunk.length, entry.dataEnd() - at);
      bytes.readFully(at, chunk, 0, count);
      crc.update(chunk, 0, count);
    }
    return (int) crc.getValue();
  }

  private static byte[] littleEndian(int value) {
    return new byte[] {
      (byte) value, (byte) (value >>> 8), (byte) (value >>> 16), (byte) (value >>> 24)
    };
  }
}
