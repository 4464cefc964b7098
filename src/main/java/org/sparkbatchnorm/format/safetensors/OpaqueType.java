package org.sparkbatchnorm.format.safetensors;

import java.util.Arrays;
import java.util.Optional;

/** The types of the safetensors format (its crate, version 0.8) that we do not compute with. */
enum OpaqueType {
  BOOL(8),
  U64(64),
  C64(64),
  F8_E4M3(8),
  F8_E5M2(8),
  F8_E8M0(8),
  F6_E2M3(6),
  F6_E3M2(6),
  F4(4);

  private final int bits;

  OpaqueType(int bits) {
    this.bits = bits;
  }

  static Optional<OpaqueType> ofName(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }

  /** Whether its values are fractions, if of few bits. */
  boolean isFloating() {
    return this != BOOL && this != U64;
  }

  /**
   * Bytes that so many elements take; one that elements share counts whole.
   *
   * @throws ArithmeticException if they are too many for the count of their bits to be a long
   */
  long bytes(long elements) {
    return Math.addExact(Math.multiplyExact(elements, bits), Byte.SIZE - 1) / Byte.SIZE;
  }
}
