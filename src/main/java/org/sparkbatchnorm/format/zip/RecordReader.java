package org.sparkbatchnorm.format.zip;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * The records before the directory, from the first byte of the file on: each begins where the one
 * before ends, and says the same as the directory. Use once.
 */
final class RecordReader {
  private final ReadableBytes file;
  private final long directoryOffset;
  private final Map<String, ArchiveEntry> entries = new HashMap<>();

  RecordReader(ReadableBytes file, long directoryOffset) {
    this.file = file;
    this.directoryOffset = directoryOffset;
  }

  /** The entries, in the order of the directory. */
  List<ArchiveEntry> read(List<CentralHeader> headers) throws IOException {
    List<CentralHeader> sorted = new ArrayList<>(headers);
    sorted.sort(Comparator.comparingLong(CentralHeader::localOffset));
    long position = 0;
    for (int i = 0; i < sorted.size(); i++) {
      CentralHeader header = sorted.get(i);
      requireAt(position, header);
      long next = i + 1 < sorted.size() ? sorted.get(i + 1).localOffset() : directoryOffset;
      position = record(header, next);
    }
    if (position < directoryOffset) {
      throw malformed(
          position, "ZIP_GAP", directoryOffset - position + " bytes before the directory");
    }
    return headers.stream().map(header -> entries.get(header.name())).toList();
  }

  private void requireAt(long position, CentralHeader header) throws MalformedFileException {
    if (header.localOffset() < position || header.localOffset() > directoryOffset) {
      throw overlap(header);
    }
    if (header.localOffset() > position) {
      throw malformed(
          position,
          "ZIP_GAP",
          header.localOffset() - position + " bytes before " + Limits.quoted(header.name()));
    }
  }

  /** Reads one record, and returns where it ends. */
  private long record(CentralHeader header, long next) throws IOException {
    long offset = header.localOffset();
    byte[] name = header.name().getBytes(StandardCharsets.UTF_8);
    if (Field.LOCAL_BYTES + name.length > directoryOffset - offset) {
      throw overlap(header);
    }
    ByteBuffer local = Field.read(file, offset, Field.LOCAL_BYTES + name.length);
    if (local.getInt(0) != Field.LOCAL_SIGNATURE) {
      throw unlike(header, "no local header");
    }
    requireSame(header, "name length", Field.unsigned16(local, 26), name.length);
    if (!local.slice(Field.LOCAL_BYTES, name.length).equals(ByteBuffer.wrap(name))) {
      throw unlike(header, "another name");
    }
    requireSame(header, "flags", Field.unsigned16(local, 6), header.flags());
    requireSame(header, "method", Field.unsigned16(local, 8), header.method());
    requireSame(header, "time", local.getInt(10), header.time());
    int extraBytes = Field.unsigned16(local, 28);
    long dataOffset = offset + local.limit() + extraBytes;
    if (header.storedBytes() > directoryOffset - dataOffset) {
      throw overlap(header);
    }

    List<Long> checksums = new ArrayList<>(List.of(header.place() + Field.CENTRAL_CRC));
    boolean later = header.hasDescriptor() && local.getInt(Field.LOCAL_CRC) == 0;
    if (!later) {
      requireSame(header, "CRC-32", local.getInt(Field.LOCAL_CRC), header.crc32());
      checksums.add(offset + Field.LOCAL_CRC);
    }
    requireSameSizes(header, local, dataOffset - extraBytes, extraBytes);
    long end = dataOffset + header.storedBytes();
    // Where the next record begins before this end, that one is found to overlap.
    if (header.hasDescriptor() && next >= end) {
      Descriptor descriptor = Descriptor.read(file, header, end, next);
      checksums.add(descriptor.crcOffset());
      end = descriptor.end();
    }
    entries.put(header.name(), new ArchiveEntry(header, dataOffset, checksums));
    return end;
  }

  /** Sizes may be left to the descriptor; those of 64 bits stand in an extra field. */
  private void requireSameSizes(
      CentralHeader header, ByteBuffer local, long extraOffset, int extraBytes) throws IOException {
    long storedBytes = Field.unsigned32(local, 18);
    long size = Field.unsigned32(local, 22);
    if (header.hasDescriptor() && storedBytes == 0 && size == 0) {
      return;
    }
    if (storedBytes == Field.MAX_32 || size == Field.MAX_32) {
      ByteBuffer bytes = Field.read(file, extraOffset, extraBytes);
      ExtraFields extra = new ExtraFields(file.name(), header.localOffset(), bytes, 0);
      extra.parse(extraBytes);
      size = extra.resolve(size);
      storedBytes = extra.resolve(storedBytes);
    }
    requireSame(header, "size", size, header.size());
    requireSame(header, "stored size", storedBytes, header.storedBytes());
  }

  private void requireSame(CentralHeader header, String what, long found, long expected)
      throws MalformedFileException {
    if (found != expected) {
      throw unlike(header, what + " " + found + ", not " + expected);
    }
  }

  private MalformedFileException unlike(CentralHeader header, String found) {
    return malformed(
        header.localOffset(),
        "ZIP_LOCAL_HEADER",
        found + ", where the directory has " + Limits.quoted(header.name()));
  }

  private MalformedFileException overlap(CentralHeader header) {
    return malformed(
        Math.min(header.localOffset(), directoryOffset),
        "ZIP_OVERLAP",
        Limits.quoted(header.name()) + " overlaps what comes before it, or the directory");
  }

  private MalformedFileException malformed(long offset, String code, String reason) {
    return new MalformedFileException(file.name(), offset, code, reason);
  }
}
