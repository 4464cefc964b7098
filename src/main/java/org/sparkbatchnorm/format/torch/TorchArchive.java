package org.sparkbatchnorm.format.torch;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.MetadataJson;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.zip.ArchiveEntry;
import org.sparkbatchnorm.format.zip.ZipArchive;

/** The zip that {@code torch.save} writes: everything in one folder, whatever its name. */
final class TorchArchive {
  static final String PICKLE = "data.pkl";
  static final String BYTE_ORDER = "byteorder";
  static final String LITTLE_ENDIAN = "little";
  static final String VERSION = "version";
  static final String STORAGES = "data/";

  /** Ours, in files that we write: JSON. */
  static final String METADATA = "spark-batchnorm.json";

  /** Much more than a hundred thousand tensors take. */
  private static final long MAX_PICKLE_BYTES = 1 << 28;

  /** Of the records that hold one word. */
  private static final int MAX_WORD_BYTES = 100;

  /** PyTorch's kMaxSupportedFileFormatVersion; torch.save has written 3 since 1.6. */
  private static final int MAX_VERSION = 10;

  /** What files began with until PyTorch 1.6: protocol 2 and the integer 0x1950a86a20f9469cfc6c. */
  private static final byte[] LEGACY_MAGIC = {
    (byte) 0x80,
    2,
    (byte) 0x8a,
    10,
    0x6c,
    (byte) 0xfc,
    (byte) 0x9c,
    0x46,
    (byte) 0xf9,
    0x20,
    0x6a,
    (byte) 0xa8,
    0x50,
    0x19,
    '.'
  };

  private final ReadableBytes file;
  private final ZipArchive zip;
  private final String folder;

  private TorchArchive(ReadableBytes file, ZipArchive zip, String folder) {
    this.file = file;
    this.zip = zip;
    this.folder = folder;
  }

  static TorchArchive read(ReadableBytes file) throws IOException {
    requireNotLegacy(file);
    ZipArchive zip = ZipArchive.read(file);
    TorchArchive archive = new TorchArchive(file, zip, folder(file, zip));
    if (archive.entry("constants.pkl").isPresent()) {
      throw archive.malformed(
          "TORCH_SCRIPT",
          "a TorchScript program, expected a state dict; load it with torch.jit.load and save its"
              + " state_dict() with torch.save");
    }
    archive.requireVersion();
    archive.requireLittleEndian();
    return archive;
  }

  private static void requireNotLegacy(ReadableBytes file) throws IOException {
    if (file.length() < LEGACY_MAGIC.length) {
      return;
    }
    byte[] start = new byte[LEGACY_MAGIC.length];
    file.readFully(0, start, 0, start.length);
    if (Arrays.equals(start, LEGACY_MAGIC)) {
      throw new MalformedFileException(
          file.name(),
          0,
          "TORCH_LEGACY",
          "a file of the form that PyTorch wrote before 1.6, which is not read; load it with"
              + " torch.load and save it again with torch.save of a current PyTorch");
    }
  }

  /** The folder of the only pickle; torch.load goes by the first entry, whatever it is. */
  private static String folder(ReadableBytes file, ZipArchive zip) throws MalformedFileException {
    String first = zip.entries().isEmpty() ? "" : zip.entries().get(0).name();
    String folder = first.substring(0, first.indexOf('/') + 1);
    if (folder.isEmpty() || zip.entry(folder + PICKLE).isEmpty()) {
      throw new MalformedFileException(
          file.name(),
          MalformedFileException.NO_OFFSET,
          "TORCH_ARCHIVE",
          "no " + PICKLE + " in the folder of the first entry, so torch.save has not written it");
    }
    return folder;
  }

  private void requireVersion() throws IOException {
    Optional<ArchiveEntry> entry = entry(VERSION);
    String version = word(entry.isPresent() ? VERSION : ".data/version").orElse("").trim();
    if (!version.matches("[0-9]{1,3}")
        || Integer.parseInt(version) == 0
        || Integer.parseInt(version) > MAX_VERSION) {
      throw malformed(
          "TORCH_VERSION", "version '" + version + "', expected a number from 1 to " + MAX_VERSION);
    }
  }

  private void requireLittleEndian() throws IOException {
    String order = word(BYTE_ORDER).orElse(LITTLE_ENDIAN);
    if (!order.equals(LITTLE_ENDIAN)) {
      throw malformed(
          "BYTE_ORDER",
          "byte order '"
              + order
              + "', expected 'little'; load it with torch.load and save it again on a"
              + " little-endian machine");
    }
  }

  /** Content of a short record; empty if there is none. */
  private Optional<String> word(String record) throws IOException {
    Optional<ArchiveEntry> entry = entry(record);
    if (entry.isEmpty()) {
      return Optional.empty();
    }
    requireSize(entry.get(), MAX_WORD_BYTES);
    return Optional.of(new String(content(entry.get()), StandardCharsets.ISO_8859_1));
  }

  /** A record of this name in the archive's folder. */
  Optional<ArchiveEntry> entry(String record) {
    return zip.entry(folder + record);
  }

  /** The whole content of a record, which has been checked. */
  private byte[] content(ArchiveEntry entry) throws IOException {
    zip.requireIntact(entry);
    try (ReadableBytes content = zip.open(entry)) {
      byte[] bytes = new byte[(int) content.length()];
      content.readFully(0, bytes, 0, bytes.length);
      return bytes;
    }
  }

  /** The metadata that we write; empty if there are none. */
  Map<String, String> metadata() throws IOException {
    Optional<ArchiveEntry> entry = entry(METADATA);
    if (entry.isEmpty()) {
      return Map.of();
    }
    requireSize(entry.get(), MetadataJson.MAX_BYTES);
    return MetadataJson.read(file.name(), entry.get().dataOffset(), content(entry.get()));
  }

  /** The pickle, which has been found intact. */
  Pickle pickle() throws IOException {
    ArchiveEntry entry = entry(PICKLE).orElseThrow();
    requireStored(entry);
    requireSize(entry, MAX_PICKLE_BYTES);
    zip.requireIntact(entry);
    return new Pickle(file, entry.dataOffset(), entry.dataEnd());
  }

  private void requireSize(ArchiveEntry entry, long most) throws MalformedFileException {
    if (entry.size() > most) {
      throw new MalformedFileException(
          file.name(),
          entry.dataOffset(),
          "TORCH_ARCHIVE",
          entry.name() + " has " + entry.size() + " bytes, expected at most " + most);
    }
  }

  /** Checks that an entry is stored, as torch.save does with all of them. */
  void requireStored(ArchiveEntry entry) throws MalformedFileException {
    if (!entry.isStored()) {
      throw new MalformedFileException(
          file.name(),
          entry.dataOffset(),
          "ZIP_METHOD",
          entry.name() + " is compressed, but torch.save stores; load the file and save it again");
    }
  }

  ZipArchive zip() {
    return zip;
  }

  String name() {
    return file.name();
  }

  /** What is wrong with the file as a whole. */
  MalformedFileException malformed(String code, String reason) {
    return new MalformedFileException(file.name(), MalformedFileException.NO_OFFSET, code, reason);
  }

  /** What is wrong with the pickle, which cannot be said more precisely. */
  MalformedFileException malformedPickle(String code, String reason) {
    return new MalformedFileException(
        file.name(), entry(PICKLE).orElseThrow().dataOffset(), code, reason);
  }
}
