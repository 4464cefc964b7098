package org.sparkbatchnorm.tensor;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * Elements between bytes and doubles, a block at a time. Byte order is the buffer's.
 *
 * <p>Reading is exact for every type but I64, whose values beyond 2^53 round to the nearest double.
 * Writing rounds once, to nearest, ties to even; what is too large becomes infinite.
 */
public final class Elements {
  private Elements() {}

  /**
   * Reads {@code count} elements from the buffer's position on, which does not move.
   *
   * @throws IndexOutOfBoundsException if buffer or array are too short; the array is then as it was
   */
  public static void decode(DType dtype, ByteBuffer bytes, double[] values, int count) {
    Objects.checkFromIndexSize(0, count, values.length);
    Objects.checkFromIndexSize(0, count, bytes.remaining() / dtype.bytes());
    switch (dtype) {
      case F64 -> bytes.slice().order(bytes.order()).asDoubleBuffer().get(values, 0, count);
      case F32 -> decodeF32(bytes, values, count);
      case F16 -> decodeF16(bytes, values, count);
      case BF16 -> decodeBf16(bytes, values, count);
      case I64 -> decodeI64(bytes, values, count);
      case I32 -> decodeI32(bytes, values, count);
      case I16 -> decodeI16(bytes, values, count);
      case I8 -> decodeI8(bytes, values, count);
      case U32 -> decodeU32(bytes, values, count);
      case U16 -> decodeU16(bytes, values, count);
      case U8 -> decodeU8(bytes, values, count);
    }
  }

  /**
   * Writes {@code count} elements at the buffer's position, which moves past them.
   *
   * @throws IllegalArgumentException if the type is not a floating-point type
   * @throws IndexOutOfBoundsException if the array is too short
   * @throws BufferOverflowException if the buffer is too short; it is then as it was
   */
  public static void encode(DType dtype, double[] values, int count, ByteBuffer bytes) {
    Objects.checkFromIndexSize(0, count, values.length);
    if (count > bytes.remaining() / dtype.bytes()) {
      throw new BufferOverflowException();
    }
    switch (dtype) {
      case F64 -> encodeF64(values, count, bytes);
      case F32 -> encodeF32(values, count, bytes);
      case F16 -> encodeF16(values, count, bytes);
      case BF16 -> encodeBf16(values, count, bytes);
      default ->
          throw new IllegalArgumentException(
              "cannot write " + dtype + ": not a floating-point type");
    }
  }

  // A method for each loop: in one method for all types, HotSpot made a type that came after others
  // up to four times slower.

  private static void decodeF32(ByteBuffer bytes, double[] values, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      values[i] = bytes.getFloat(base + 4 * i);
    }
  }

  private static void decodeF16(ByteBuffer bytes, double[] values, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      values[i] = Half.ofBinary16(bytes.getShort(base + 2 * i));
    }
  }

  private static void decodeBf16(ByteBuffer bytes, double[] values, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      values[i] = Half.ofBfloat16(bytes.getShort(base + 2 * i));
    }
  }

  private static void decodeI64(ByteBuffer bytes, double[] values, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      values[i] = bytes.getLong(base + 8 * i);
    }
  }

  private static void decodeI32(ByteBuffer bytes, double[] values, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      values[i] = bytes.getInt(base + 4 * i);
    }
  }

  private static void decodeI16(ByteBuffer bytes, double[] values, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      values[i] = bytes.getShort(base + 2 * i);
    }
  }

  private static void decodeI8(ByteBuffer bytes, double[] values, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      values[i] = bytes.get(base + i);
    }
  }

  private static void decodeU32(ByteBuffer bytes, double[] values, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      values[i] = Integer.toUnsignedLong(bytes.getInt(base + 4 * i));
    }
  }

  private static void decodeU16(ByteBuffer bytes, double[] values, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      values[i] = Short.toUnsignedInt(bytes.getShort(base + 2 * i));
    }
  }

  private static void decodeU8(ByteBuffer bytes, double[] values, int count) {
    int base = bytes.position();
    for (int i = 0; i < count; i++) {
      values[i] = Byte.toUnsignedInt(bytes.get(base + i));
    }
  }

  private static void encodeF64(double[] values, int count, ByteBuffer bytes) {
    for (int i = 0; i < count; i++) {
      bytes.putDouble(values[i]);
    }
  }

  private static void encodeF32(double[] values, int count, ByteBuffer bytes) {
    for (int i = 0; i < count; i++) {
      bytes.putFloat((float) values[i]);
    }
  }

  private static void encodeF16(double[] values, int count, ByteBuffer bytes) {
    for (int i = 0; i < count; i++) {
      bytes.putShort(Half.toBinary16(values[i]));
    }
  }

  private static void encodeBf16(double[] values, int count, ByteBuffer bytes) {
    for (int i = 0; i < count; i++) {
      bytes.putShort(Half.toBfloat16(values[i]));
    }
  }
}
