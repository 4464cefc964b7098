package org.sparkbatchnorm.format.torch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** The bytes of a pickle, one after the other, fetched in chunks. Not thread-safe. */
final class PickleBytes {
  private static final int CHUNK_BYTES = 1 << 16;

  /** Of the module or the name of a global. */
  private static final int LONGEST_LINE = 1_000;

  private final ReadableBytes file;
  private final long end;
  private final byte[] chunk;
  private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
  private long chunkOffset;
  private int limit;
  private int next;

  /** The bytes from {@code offset} (inclusive) to {@code end} (exclusive) of a file. */
  PickleBytes(ReadableBytes file, long offset, long end) {
    this.file = file;
    this.end = end;
    this.chunk = new byte[(int) Math.min(CHUNK_BYTES, end - offset)];
    this.chunkOffset = offset;
  }

  /** Offset in the file of the next byte. */
  long offset() {
    return chunkOffset + next;
  }

  /** Bytes that are left. */
  long remaining() {
    return end - offset();
  }

  /** The next byte, 0 to 255. */
  int unsigned8() throws IOException {
    if (next == limit) {
      require(1);
      fetch();
    }
    return chunk[next++] & 0xff;
  }

  /** A little-endian integer of so many bytes (1 to 8), in two's complement. */
  long signed(int bytes) throws IOException {
    int unused = Long.SIZE - bytes * Byte.SIZE;
    return unsigned(bytes) << unused >> unused;
  }

  /** A little-endian integer of so many bytes (1 to 8); one of 8 may be negative. */
  long unsigned(int bytes) throws IOException {
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (long) unsigned8() << (i * Byte.SIZE);
    }
    return value;
  }

  /** A text of so many bytes; empty if they are not UTF-8. */
  Optional<String> text(int bytes) throws IOException {
    require(bytes);
    byte[] text = new byte[bytes];
    for (int i = 0; i < bytes; ) {
      if (next == limit) {
        fetch();
      }
      int count = Math.min(bytes - i, limit - next);
      System.arraycopy(chunk, next, text, i, count);
      next += count;
      i += count;
    }
    try {
      CharBuffer decoded = utf8.decode(ByteBuffer.wrap(text));
      return Optional.of(decoded.toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /** A text up to a line feed, which is taken as well. */
  String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int value = unsigned8(); value != '\n'; value = unsigned8()) {
      if (value < ' ' || value > '~' || line.length() == LONGEST_LINE) {
        throw malformed("a name that is not plain ASCII, or too long");
      }
      line.append((char) value);
    }
    return line.toString();
  }

  /** Passes over so many bytes; a negative number is one above 2^63. */
  void skip(long bytes) throws IOException {
    require(bytes);
    if (bytes <= limit - next) {
      next += (int) bytes;
    } else {
      chunkOffset = offset() + bytes;
      next = 0;
      limit = 0;
    }
  }

  /** Checks that so many bytes are left. */
  void require(long bytes) throws MalformedFileException {
    if (bytes < 0 || bytes > remaining()) {
      throw malformed(
          Long.toUnsignedString(bytes) + " bytes expected, but only " + remaining() + " are left");
    }
  }

  private void fetch() throws IOException {
    chunkOffset += limit;
    next = 0;
    limit = (int) Math.min(chunk.length, end - chunkOffset);
    file.readFully(chunkOffset, chunk, 0, limit);
  }

  /** What is wrong with the pickle, here. */
  MalformedFileException malformed(String reason) {
    return malformed("PICKLE_OPCODE", reason);
  }

  /** What is wrong, here. */
  MalformedFileException malformed(String code, String reason) {
    return new MalformedFileException(file.name(), offset(), code, reason);
  }
}
