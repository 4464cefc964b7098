package org.sparkbatchnorm.tensor;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The element types of activations and checkpoints, under the words that safetensors uses for them.
 *
 * <p>F16 is IEEE 754 binary16, BF16 the upper half of a binary32. Integers are two's complement or
 * unsigned. The byte order is not part of the type: a buffer carries it.
 */
public enum DType {
  F64(8, Kind.FLOATING),
  F32(4, Kind.FLOATING),
  F16(2, Kind.FLOATING),
  BF16(2, Kind.FLOATING),
  I64(8, Kind.SIGNED),
  I32(4, Kind.SIGNED),
  I16(2, Kind.SIGNED),
  I8(1, Kind.SIGNED),
  U32(4, Kind.UNSIGNED),
  U16(2, Kind.UNSIGNED),
  U8(1, Kind.UNSIGNED);

  private enum Kind {
    FLOATING,
    SIGNED,
    UNSIGNED
  }

  private final int bytes;
  private final Kind kind;

  DType(int bytes, Kind kind) {
    this.bytes = bytes;
    this.kind = kind;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** Whether the type has NaN, infinities and fractions. */
  public boolean isFloating() {
    return kind == Kind.FLOATING;
  }

  /**
   * The distance from a magnitude that this floating-point type holds to the next larger one; NaN
   * and infinite for those.
   *
   * @throws IllegalArgumentException if the type is not a floating-point type
   */
  public double ulp(double value) {
    return switch (this) {
      case F64 -> Math.ulp(value);
      case F32 -> Math.ulp((float) value);
      case F16 -> ulp(value, 10, -14);
      case BF16 -> ulp(value, 7, Float.MIN_EXPONENT);
      default -> throw new IllegalArgumentException(this + " is not a floating-point type");
    };
  }

  private static double ulp(double value, int significandBits, int minExponent) {
    if (!Double.isFinite(value)) {
      return Math.abs(value);
    }
    return Math.scalb(1.0, Math.max(Math.getExponent(value), minExponent) - significandBits);
  }

  /**
   * The type with exactly this name ({@code "F32"}), empty for any other word, lower case included.
   */
  public static Optional<DType> ofName(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  /** All names, for messages: {@code "F64, F32, ..."}. */
  public static String names() {
    return Arrays.stream(values()).map(DType::name).collect(Collectors.joining(", "));
  }
}
