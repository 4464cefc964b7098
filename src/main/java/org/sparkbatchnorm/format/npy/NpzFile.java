package org.sparkbatchnorm.format.npy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.MetadataJson;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.zip.ArchiveEntry;
import org.sparkbatchnorm.format.zip.ZipArchive;

/**
 * npz files: a zip of npy files, stored ({@code numpy.savez}) or deflated ({@code
 * savez_compressed}). Immutable.
 */
public final class NpzFile {
  static final String SUFFIX = ".npy";

  /** The entry with our metadata: one JSON object as a text of rank 0. */
  static final String METADATA = "metadata";

  private final ZipArchive archive;
  private final List<NpzArray> arrays;
  private final Map<String, String> metadata;

  private NpzFile(ZipArchive archive, List<NpzArray> arrays, Map<String, String> metadata) {
    this.archive = archive;
    this.arrays = List.copyOf(arrays);
    this.metadata = metadata;
  }

  /**
   * Reads the directory, the header of every array, and the metadata. The elements are not looked
   * at; of a deflated array no more is inflated than its header takes.
   *
   * @throws MalformedFileException with a code of {@link ZipArchive}, or of {@link NpyHeader#read}
   *     for one of the arrays; or TEXT, METADATA: metadata that are no text, or not one JSON object
   *     of strings. The offset is that in the file; for a compressed array, where it begins
   */
  public static NpzFile read(ReadableBytes file) throws IOException {
    ZipArchive archive = ZipArchive.read(file);
    List<NpzArray> arrays = new ArrayList<>();
    Map<String, String> metadata = Map.of();
    for (ArchiveEntry entry : archive.entries()) {
      if (!entry.name().endsWith(SUFFIX)) {
        continue;
      }
      String name = entry.name().substring(0, entry.name().length() - SUFFIX.length());
      try (ReadableBytes content = archive.open(entry)) {
        Optional<String> text = name.equals(METADATA) ? NpyText.read(content) : Optional.empty();
        if (text.isPresent()) {
          archive.requireIntact(entry);
          metadata =
              MetadataJson.read(content.name(), 0, text.get().getBytes(StandardCharsets.UTF_8));
        } else {
          NpyHeader.readNumbers(content)
              .ifPresent(header -> arrays.add(new NpzArray(name, header, entry)));
        }
      } catch (MalformedFileException e) {
        throw e.file().equals(file.name()) ? e : inside(file, entry, e);
      }
    }
    return new NpzFile(archive, arrays, metadata);
  }

  /** What is wrong with the content of an entry, as what is wrong with the file. */
  private static MalformedFileException inside(
      ReadableBytes file, ArchiveEntry entry, MalformedFileException e) {
    boolean placed = entry.isStored() && e.offset() != MalformedFileException.NO_OFFSET;
    MalformedFileException failure =
        new MalformedFileException(
            file.name(),
            entry.dataOffset() + (placed ? e.offset() : 0),
            e.code(),
            "array '" + entry.name() + "': " + e.reason());
    failure.initCause(e);
    return failure;
  }

  /** The archive that it is. */
  public ZipArchive archive() {
    return archive;
  }

  /** The arrays of numbers that are computed with, in the order of the directory. */
  public List<NpzArray> arrays() {
    return arrays;
  }

  /** What {@link NpzWriter} has as metadata; empty if there are none. */
  public Map<String, String> metadata() {
    return metadata;
  }
}
