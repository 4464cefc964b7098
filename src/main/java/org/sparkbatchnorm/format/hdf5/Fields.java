package org.sparkbatchnorm.format.hdf5;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * The fields of one structure, read one after the other. Numbers are unsigned and little-endian;
 * offsets and lengths take 8 bytes, as {@link Superblock} requires. Not thread-safe.
 */
final class Fields {
  /** The address of what is not there (spec, section I: all bits set). */
  static final long UNDEFINED = -1;

  private static final int ALIGNMENT = 8;

  private final String file;
  private final String what;
  private final ByteBuffer bytes;
  private final long fileOffset;

  /** All of an array, whose first byte stands at {@code fileOffset}. */
  Fields(String file, String what, byte[] bytes, long fileOffset) {
    this(file, what, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), fileOffset);
  }

  private Fields(String file, String what, ByteBuffer bytes, long fileOffset) {
    this.file = file;
    this.what = what;
    this.bytes = bytes;
    this.fileOffset = fileOffset;
  }

  /** Offset in the file of the next byte. */
  long offset() {
    return fileOffset + bytes.position();
  }

  /** Bytes left. */
  int remaining() {
    return bytes.remaining();
  }

  int u8() throws MalformedFileException {
    require(Byte.BYTES);
    return bytes.get() & 0xff;
  }

  int u16() throws MalformedFileException {
    require(Short.BYTES);
    return Short.toUnsignedInt(bytes.getShort());
  }

  long u32() throws MalformedFileException {
    require(Integer.BYTES);
    return Integer.toUnsignedLong(bytes.getInt());
  }

  /** A length or number of 8 bytes. */
  long length() throws MalformedFileException {
    require(Long.BYTES);
    long value = bytes.getLong(bytes.position());
    if (value < 0) {
      throw malformed(
          "SIZE_OVERFLOW",
          what + ": a length of " + Long.toUnsignedString(value) + " exceeds 2^63 - 1");
    }
    skip(Long.BYTES);
    return value;
  }

  /** An address of 8 bytes, from the end of the user block; {@link #UNDEFINED} if there is none. */
  long address() throws MalformedFileException {
    require(Long.BYTES);
    long value = bytes.getLong(bytes.position());
    if (value < UNDEFINED) {
      throw malformed(
          "HDF5_TRUNCATED",
          what + ": an address of " + Long.toUnsignedString(value) + " lies beyond any file");
    }
    skip(Long.BYTES);
    return value;
  }

  /** A number of 1 to 8 bytes. */
  long number(int width) throws MalformedFileException {
    require(width);
    long value = 0;
    for (int i = 0; i < width; i++) {
      value |= (bytes.get() & 0xffL) << (Byte.SIZE * i);
    }
    if (value < 0) {
      throw malformed("SIZE_OVERFLOW", what + ": a number exceeds 2^63 - 1");
    }
    return value;
  }

  void skip(int count) throws MalformedFileException {
    require(count);
    bytes.position(bytes.position() + count);
  }

  /** The next bytes as fields of their own; these go on after them. */
  Fields take(long count) throws MalformedFileException {
    require(count);
    Fields taken =
        new Fields(
            file,
            what,
            bytes.slice(bytes.position(), (int) count).order(ByteOrder.LITTLE_ENDIAN),
            offset());
    skip((int) count);
    return taken;
  }

  /** As {@link #take}; then goes on at the next multiple of 8 bytes from here, or at the end. */
  Fields takePadded(long count) throws MalformedFileException {
    Fields taken = take(count);
    skip((int) Math.min(remaining(), -count & (ALIGNMENT - 1)));
    return taken;
  }

  /** These from a place within them on. */
  Fields from(long position) throws MalformedFileException {
    if (position > bytes.limit()) {
      throw malformed(
          "HDF5_INVALID", what + " of " + bytes.limit() + " bytes has no byte " + position);
    }
    int from = (int) position;
    return new Fields(
        file,
        what,
        bytes.slice(from, bytes.limit() - from).order(ByteOrder.LITTLE_ENDIAN),
        fileOffset + from);
  }

  private boolean takesSignature(String signature) throws MalformedFileException {
    require(signature.length());
    boolean equal = true;
    for (int i = 0; i < signature.length(); i++) {
      equal &= bytes.get() == signature.charAt(i);
    }
    return equal;
  }

  void requireSignature(String signature) throws MalformedFileException {
    long start = offset();
    if (!takesSignature(signature)) {
      throw new MalformedFileException(
          file, start, "HDF5_INVALID", "no " + what + ", which begins with " + signature);
    }
  }

  void requireVersion(int expected) throws MalformedFileException {
    long start = offset();
    int version = u8();
    if (version != expected) {
      throw new MalformedFileException(
          file,
          start,
          "HDF5_UNSUPPORTED",
          what + " of version " + version + ", expected " + expected);
    }
  }

  /** All bytes left as text, up to the first NUL if there is one. */
  String text(int maxBytes) throws MalformedFileException {
    int most = (int) Math.min(maxBytes + 1L, remaining());
    int length = 0;
    while (length < most && bytes.get(bytes.position() + length) != 0) {
      length++;
    }
    if (length > maxBytes) {
      throw malformed("NAME_TOO_LONG", what + ": a text of more than " + maxBytes + " bytes");
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(bytes.slice(bytes.position(), length))
          .toString();
    } catch (CharacterCodingException e) {
      throw malformed("HDF5_INVALID", what + ": a text that is not UTF-8");
    }
  }

  /** The bytes of all fields, read or not; shared. */
  ByteBuffer whole() {
    return bytes.duplicate().rewind();
  }

  /** A problem at the next byte. */
  MalformedFileException malformed(String code, String reason) {
    return new MalformedFileException(file, offset(), code, reason);
  }

  private void require(long count) throws MalformedFileException {
    if (count > remaining()) {
      throw malformed("HDF5_INVALID", what + " ends within a field of " + count + " bytes");
    }
  }
}
