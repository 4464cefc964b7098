package org.sparkbatchnorm.format.zip;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** The central directory: one header after the other, each by itself in order. Use once. */
final class DirectoryReader {
  private static final int KNOWN_FLAGS = Field.COMPRESSION_LEVEL | Field.DESCRIPTOR | Field.UTF8;

  private final ReadableBytes file;
  private final DirectoryPlace place;
  private final ByteBuffer directory;
  private final List<CentralHeader> headers = new ArrayList<>();
  private final Set<String> names = new HashSet<>();

  DirectoryReader(ReadableBytes file, DirectoryPlace place) throws IOException {
    this.file = file;
    this.place = place;
    this.directory = Field.read(file, place.offset(), (int) place.bytes());
  }

  /** The headers, in the order of the directory. */
  List<CentralHeader> read() throws MalformedFileException {
    int at = 0;
    while (headers.size() < place.entries()) {
      at = header(at);
    }
    if (at < directory.limit()) {
      throw malformed(
          at,
          "ZIP_DIRECTORY",
          directory.limit() - at + " bytes after the last of " + place.entries() + " entries");
    }
    return headers;
  }

  private int header(int at) throws MalformedFileException {
    if (Field.CENTRAL_BYTES > directory.limit() - at
        || directory.getInt(at) != Field.CENTRAL_SIGNATURE) {
      throw malformed(
          at,
          "ZIP_DIRECTORY",
          "entry " + headers.size() + " of " + place.entries() + " has no header here");
    }
    int nameBytes = Field.unsigned16(directory, at + 28);
    int extraBytes = Field.unsigned16(directory, at + 30);
    int commentBytes = Field.unsigned16(directory, at + 32);
    int end = at + Field.CENTRAL_BYTES + nameBytes + extraBytes + commentBytes;
    if (end > directory.limit()) {
      throw malformed(at, "ZIP_DIRECTORY", "a header that ends after the directory does");
    }
    int flags = Field.unsigned16(directory, at + 8);
    int method = Field.unsigned16(directory, at + 10);
    String name = name(at, nameBytes, (flags & Field.UTF8) != 0);
    requireReadable(at, name, flags, method);
    ExtraFields extra =
        new ExtraFields(
            file.name(), place.offset() + at, directory, end - commentBytes - extraBytes);
    extra.parse(extraBytes);
    // The zip64 field holds only what does not fit elsewhere, in this order.
    long size = extra.resolve(Field.unsigned32(directory, at + 24));
    long storedBytes = extra.resolve(Field.unsigned32(directory, at + 20));
    long localOffset = extra.resolve(Field.unsigned32(directory, at + 42));
    if (directory.getShort(at + 34) != 0) {
      throw malformed(
          at, "ZIP_DIRECTORY", Limits.quoted(name) + " is in another part of a split archive");
    }
    if (method == Field.STORED && storedBytes != size) {
      throw malformed(
          at,
          "ZIP_SIZE",
          Limits.quoted(name)
              + " is stored, but its "
              + size
              + " bytes take "
              + storedBytes
              + " in the file");
    }
    headers.add(
        new CentralHeader(
            name,
            place.offset() + at,
            flags,
            method,
            directory.getInt(at + 12),
            directory.getInt(at + Field.CENTRAL_CRC),
            storedBytes,
            size,
            localOffset));
    return end;
  }

  private String name(int at, int nameBytes, boolean utf8) throws MalformedFileException {
    ByteBuffer bytes = directory.slice(at + Field.CENTRAL_BYTES, nameBytes);
    String name;
    try {
      // Without the flag a name is in the code page of whoever wrote it, alike only in ASCII.
      name =
          (utf8 ? StandardCharsets.UTF_8 : StandardCharsets.US_ASCII)
              .newDecoder()
              .decode(bytes)
              .toString();
    } catch (CharacterCodingException e) {
      throw malformed(
          at, "ZIP_NAME", "the name of entry " + headers.size() + " is not ASCII or UTF-8");
    }
    if (EntryNames.isUnfit(name)) {
      throw malformed(
          at,
          "ZIP_NAME",
          "the name "
              + Limits.quoted(name)
              + " is empty, absolute, goes upwards, or holds what no name holds");
    }
    if (!names.add(name)) {
      throw malformed(at, "ZIP_DUPLICATE", "second entry " + Limits.quoted(name));
    }
    return name;
  }

  private void requireReadable(int at, String name, int flags, int method)
      throws MalformedFileException {
    if ((flags & Field.ENCRYPTED) != 0) {
      throw malformed(at, "ZIP_ENCRYPTED", Limits.quoted(name) + " is encrypted");
    }
    if ((flags & ~KNOWN_FLAGS) != 0) {
      throw malformed(
          at,
          "ZIP_FLAGS",
          String.format("%s has flags 0x%04x, which are not known", Limits.quoted(name), flags));
    }
    if (method != Field.STORED && method != Field.DEFLATED) {
      throw malformed(
          at,
          "ZIP_METHOD",
          Limits.quoted(name)
              + " is compressed by method "
              + method
              + ", expected 0 (stored) or 8 (deflated)");
    }
  }

  private MalformedFileException malformed(int at, String code, String reason) {
    return new MalformedFileException(file.name(), place.offset() + at, code, reason);
  }
}
