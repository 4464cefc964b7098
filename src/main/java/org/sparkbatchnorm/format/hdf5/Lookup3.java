package org.sparkbatchnorm.format.hdf5;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * The checksum of HDF5's newer structures: {@code hashlittle} of Bob Jenkins' lookup3.c, with
 * initial value 0.
 */
final class Lookup3 {
  private static final int WORD = Integer.BYTES;
  private static final int ROUND = 3 * WORD;

  private Lookup3() {}

  /** Checks a structure whose last four bytes are the checksum of those before. */
  static void verify(String what, Fields structure) throws MalformedFileException {
    ByteBuffer bytes = structure.whole().order(ByteOrder.LITTLE_ENDIAN);
    int length = bytes.limit() - WORD;
    if (length < 0) {
      throw structure.malformed("HDF5_INVALID", what + " is shorter than its checksum");
    }
    int expected = hash(bytes, length);
    int found = bytes.getInt(length);
    if (found != expected) {
      throw structure.malformed(
          "HDF5_CHECKSUM",
          String.format("%s: checksum %08x, but its bytes have %08x", what, found, expected));
    }
  }

  /** The checksum of the first bytes of a little-endian buffer. */
  static int hash(ByteBuffer bytes, int length) {
    int a = 0xdeadbeef + length;
    int b = a;
    int c = a;
    int at = 0;
    for (; length - at > ROUND; at += ROUND) {
      a += bytes.getInt(at);
      b += bytes.getInt(at + WORD);
      c += bytes.getInt(at + 2 * WORD);
      // mix
      a = (a - c) ^ Integer.rotateLeft(c, 4);
      c += b;
      b = (b - a) ^ Integer.rotateLeft(a, 6);
      a += c;
      c = (c - b) ^ Integer.rotateLeft(b, 8);
      b += a;
      a = (a - c) ^ Integer.rotateLeft(c, 16);
      c += b;
      b = (b - a) ^ Integer.rotateLeft(a, 19);
      a += c;
      c = (c - b) ^ Integer.rotateLeft(b, 4);
      b += a;
    }
    if (at == length) {
      return c;
    }
    a += word(bytes, at, length);
    b += word(bytes, at + WORD, length);
    c += word(bytes, at + 2 * WORD, length);
    // final
    c = (c ^ b) - Integer.rotateLeft(b, 14);
    a = (a ^ c) - Integer.rotateLeft(c, 11);
    b = (b ^ a) - Integer.rotateLeft(a, 25);
    c = (c ^ b) - Integer.rotateLeft(b, 16);
    a = (a ^ c) - Integer.rotateLeft(c, 4);
    b = (b ^ a) - Integer.rotateLeft(a, 14);
    return (c ^ b) - Integer.rotateLeft(b, 24);
  }

  /** Four bytes, those after the end taken as 0. */
  private static int word(ByteBuffer bytes, int at, int length) {
    int word = 0;
    for (int i = 0; i < WORD && at + i < length; i++) {
      word |= (bytes.get(at + i) & 0xff) << (Byte.SIZE * i);
    }
    return word;
  }
}
