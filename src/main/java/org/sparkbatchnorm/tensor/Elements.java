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
    int base = bytes.position();
    switch (dtype) {
      case F64 -> bytes.slice().order(bytes.order()).asDoubleBuffer().get(values, 0, count);
      case F32 -> {
        for (int i = 0; i < count; i++) {
          values[i] = bytes.getFloat(base + 4 * i);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          values[i] = Half.ofBinary16(bytes.getShort(base + 2 * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          values[i] = Half.ofBfloat16(bytes.getShort(base + 2 * i));
        }
      }
      case I64 -> {
        for (int i = 0; i < count; i++) {
          values[i] = bytes.getLong(base + 8 * i);
        }
      }
      case I32 -> {
        for (int i = 0; i < count; i++) {
          values[i] = bytes.getInt(base + 4 * i);
        }
      }
      case I16 -> {
        for (int i = 0; i < count; i++) {
          values[i] = bytes.getShort(base + 2 * i);
        }
      }
      case I8 -> {
        for (int i = 0; i < count; i++) {
          values[i] = bytes.get(base + i);
        }
      }
      case U32 -> {
        for (int i = 0; i < count; i++) {
          values[i] = Integer.toUnsignedLong(bytes.getInt(base + 4 * i));
        }
      }
      case U16 -> {
        for (int i = 0; i < count; i++) {
          values[i] = Short.toUnsignedInt(bytes.getShort(base + 2 * i));
        }
      }
      case U8 -> {
        for (int i = 0; i < count; i++) {
          values[i] = Byte.toUnsignedInt(bytes.get(base + i));
        }
      }
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
      case F64 -> {
        for (int i = 0; i < count; i++) {
          bytes.putDouble(values[i]);
        }
      }
      case F32 -> {
        for (int i = 0; i < count; i++) {
          bytes.putFloat((float) values[i]);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          bytes.putShort(Half.toBinary16(values[i]));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          bytes.putShort(Half.toBfloat16(values[i]));
        }
      }
      default ->
          throw new IllegalArgumentException(
              "cannot write " + dtype + ": not a floating-point type");
    }
  }
}
