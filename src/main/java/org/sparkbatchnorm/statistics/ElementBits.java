package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Half;

/**
 * Elements as whole numbers that lose nothing: f16, bf16 and f32 as the bits of the binary32 of the
 * same value, f64 as its own bits, integers as longs. Byte order is the buffer's, whose position
 * does not move.
 */
final class ElementBits {
  private ElementBits() {}

  /** The bits of {@code count} elements of F16, BF16 or F32 as binary32. */
  static void ofBinary32(DType dtype, ByteBuffer bytes, int[] bits, int count) {
    switch (dtype) {
      case F32 -> bytes.slice().order(bytes.order()).asIntBuffer().get(bits, 0, count);
      case BF16 -> fromBf16(bytes, bits, count);
      case F16 -> fromF16(bytes, bits, count);
      default -> throw new IllegalArgumentException(dtype + " is no part of binary32");
    }
  }

  /** The bits of {@code count} elements of F64, or the values of as many integers. */
  static void ofLongs(DType dtype, ByteBuffer bytes, long[] longs, int count) {
    switch (dtype) {
      case F64, I64 -> bytes.slice().order(bytes.order()).asLongBuffer().get(longs, 0, count);
      case I32 -> fromI32(bytes, longs, count);
      case I16 -> fromI16(bytes, longs, count);
      case I8 -> fromI8(bytes, longs, count);
      case U32 -> fromU32(bytes, longs, count);
      case U16 -> fromU16(bytes, longs, count);
      case U8 -> fromU8(bytes, longs, count);
      default -> throw new IllegalArgumentException(dtype + " is neither F64 nor an integer");
    }
  }

  // A method for each loop: see Elements.

  private static void fromBf16(ByteBuffer bytes, int[] bits, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      bits[i] = bytes.getShort(base + 2 * i) << 16;
    }
  }

  private static void fromF16(ByteBuffer bytes, int[] bits, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      bits[i] = Float.floatToRawIntBits(Half.ofBinary16(bytes.getShort(base + 2 * i)));
    }
  }

  private static void fromI32(ByteBuffer bytes, long[] longs, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      longs[i] = bytes.getInt(base + 4 * i);
    }
  }

  private static void fromI16(ByteBuffer bytes, long[] longs, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      longs[i] = bytes.getShort(base + 2 * i);
    }
  }

  private static void fromI8(ByteBuffer bytes, long[] longs, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      longs[i] = bytes.get(base + i);
    }
  }

  private static void fromU32(ByteBuffer bytes, long[] longs, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      longs[i] = Integer.toUnsignedLong(bytes.getInt(base + 4 * i));
    }
  }

  private static void fromU16(ByteBuffer bytes, long[] longs, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      longs[i] = Short.toUnsignedLong(bytes.getShort(base + 2 * i));
    }
  }

  private static void fromU8(ByteBuffer bytes, long[] longs, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      longs[i] = Byte.toUnsignedLong(bytes.get(base + i));
    }
  }
}
