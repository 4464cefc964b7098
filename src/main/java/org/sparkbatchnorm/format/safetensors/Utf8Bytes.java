package org.sparkbatchnorm.format.safetensors;

import java.io.IOException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * The bytes of a range of a file, one after the other, fetched in chunks; each chunk is checked to
 * be UTF-8 before its first byte is handed out (RFC 3629, section 4: no overlong forms, no
 * surrogates, nothing above U+10FFFF). Holds one chunk, whatever the length. Not thread-safe.
 */
final class Utf8Bytes {
  /** What is read at once: the header of almost every file. */
  static final int CHUNK_BYTES = 1 << 20;

  /** What {@link #peek} and {@link #read} return after the last byte. */
  static final int END = -1;

  private final ReadableBytes file;
  private final long end;
  private final byte[] chunk;
  private long chunkOffset;
  private int limit;
  private int next;

  /** Continuation bytes that the current character still needs, and the range of the next one. */
  private int missing;

  private int lowest;
  private int highest;

  /** The bytes from {@code offset} (inclusive) to {@code end} (exclusive). */
  Utf8Bytes(ReadableBytes file, long offset, long end) {
    this.file = file;
    this.end = end;
    this.chunk = new byte[(int) Math.min(CHUNK_BYTES, end - offset)];
    this.chunkOffset = offset;
  }

  /** The next byte, which stays; {@link #END} if there is none. */
  int peek() throws IOException {
    if (next == limit && !fetch()) {
      return END;
    }
    return chunk[next] & 0xff;
  }

  /** The next byte; {@link #END} if there is none. */
  int read() throws IOException {
    int value = peek();
    if (value != END) {
      next++;
    }
    return value;
  }

  /** Offset in the file of the next byte. */
  long offset() {
    return chunkOffset + next;
  }

  private boolean fetch() throws IOException {
    chunkOffset += limit;
    next = 0;
    limit = (int) Math.min(chunk.length, end - chunkOffset);
    if (limit == 0) {
      return false;
    }
    file.readFully(chunkOffset, chunk, 0, limit);
    for (int i = 0; i < limit; i++) {
      if (missing != 0 || chunk[i] < 0) {
        follow(chunk[i] & 0xff, chunkOffset + i);
      }
    }
    if (missing != 0 && chunkOffset + limit == end) {
      throw new MalformedFileException(
          file.name(), end, "HEADER_UTF8", "the header ends within a character");
    }
    return true;
  }

  /** One byte that is not ASCII, or stands where a continuation byte must. */
  private void follow(int value, long offset) throws MalformedFileException {
    if (missing > 0) {
      if (value < lowest || value > highest) {
        throw notUtf8(value, offset);
      }
      missing--;
      lowest = 0x80;
      highest = 0xbf;
      return;
    }
    if (value < 0xc2 || value > 0xf4) {
      throw notUtf8(value, offset);
    }
    missing = value < 0xe0 ? 1 : value < 0xf0 ? 2 : 3;
    // The first continuation byte tells overlong forms (E0, F0), surrogates (ED) and code points
    // that do not exist (F4).
    lowest = value == 0xe0 ? 0xa0 : value == 0xf0 ? 0x90 : 0x80;
    highest = value == 0xed ? 0x9f : value == 0xf4 ? 0x8f : 0xbf;
  }

  private MalformedFileException notUtf8(int value, long offset) {
    return new MalformedFileException(
        file.name(),
        offset,
        "HEADER_UTF8",
        String.format("byte 0x%02x is not UTF-8 at this place", value));
  }
}
