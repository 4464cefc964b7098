package org.sparkbatchnorm.format.hdf5;

import java.nio.ByteOrder;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.tensor.DType;

/**
 * The type of a dataset's elements (spec, section IV.A.2.d), as far as {@link DType} knows it.
 * Types that are made of others are not looked into.
 *
 * @param dtype empty for any other
 * @param bytes of one element
 * @param order of the bytes of an element
 * @param isOpaque bytes that only the writer knows the meaning of
 */
record Datatype(Optional<DType> dtype, long bytes, ByteOrder order, boolean isOpaque) {
  private static final int FIXED_POINT = 0;
  private static final int FLOATING_POINT = 1;
  private static final int OPAQUE = 5;

  private static final int LAST_VERSION = 5;

  /** Of the classes of numbers: bit 0 is the byte order, bit 6 marks that of the VAX. */
  private static final int BIG_ENDIAN = 1;

  private static final int VAX = 1 << 6;
  private static final int SIGNED = 1 << 3;

  /** The highest bit of the significand is not stored, and the sign is the highest bit of all. */
  private static final int IMPLIED_BIT = 2;

  static Datatype read(Fields message) throws MalformedFileException {
    Fields start = message.from(0);
    final int classAndVersion = message.u8();
    final int bits = message.u8();
    final int sign = message.u8();
    message.skip(1);
    final long bytes = message.u32();
    int version = classAndVersion >> 4;
    if (version < 1 || version > LAST_VERSION) {
      throw start.malformed(
          "HDF5_UNSUPPORTED", "datatype of version " + version + ", expected 1 to " + LAST_VERSION);
    }
    if (bytes == 0) {
      throw start.malformed("HDF5_INVALID", "a datatype of 0 bytes");
    }
    ByteOrder order = (bits & BIG_ENDIAN) == 0 ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
    return switch (classAndVersion & 0xf) {
      case FIXED_POINT -> new Datatype(integer(message, bits, bytes), bytes, order, false);
      case FLOATING_POINT ->
          new Datatype(floating(message, bits, sign, bytes), bytes, order, false);
      case OPAQUE -> new Datatype(Optional.empty(), bytes, ByteOrder.LITTLE_ENDIAN, true);
      default -> new Datatype(Optional.empty(), bytes, ByteOrder.LITTLE_ENDIAN, false);
    };
  }

  private static Optional<DType> integer(Fields properties, int bits, long bytes)
      throws MalformedFileException {
    if (properties.u16() != 0 || properties.u16() != bytes * Byte.SIZE) {
      return Optional.empty();
    }
    return DType.ofName(((bits & SIGNED) == 0 ? "U" : "I") + bytes * Byte.SIZE);
  }

  private static Optional<DType> floating(Fields properties, int bits, int sign, long bytes)
      throws MalformedFileException {
    final int bitOffset = properties.u16();
    final int precision = properties.u16();
    final int exponentLocation = properties.u8();
    final int exponentBits = properties.u8();
    final int significandLocation = properties.u8();
    final int significandBits = properties.u8();
    final long bias = properties.u32();
    boolean usual =
        (bits & VAX) == 0
            && ((bits >> 4) & 0b11) == IMPLIED_BIT
            && bitOffset == 0
            && precision == bytes * Byte.SIZE
            && sign == precision - 1
            && significandLocation == 0
            && exponentLocation == significandBits
            && 1 + exponentBits + significandBits == precision
            && bias == (1L << (exponentBits - 1)) - 1;
    if (!usual) {
      return Optional.empty();
    }
    return Optional.ofNullable(
        switch (exponentBits) {
          case 5 -> significandBits == 10 ? DType.F16 : null;
          case 8 -> significandBits == 23 ? DType.F32 : significandBits == 7 ? DType.BF16 : null;
          case 11 -> significandBits == 52 ? DType.F64 : null;
          default -> null;
        });
  }
}
