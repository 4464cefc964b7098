package org.sparkbatchnorm.source;

import java.nio.ByteOrder;

/** {@link ByteOrder} as a value that can be sent to another machine. */
public enum ByteOrdering {
  LITTLE_ENDIAN(ByteOrder.LITTLE_ENDIAN),
  BIG_ENDIAN(ByteOrder.BIG_ENDIAN);

  private final ByteOrder order;

  ByteOrdering(ByteOrder order) {
    this.order = order;
  }

  /** The same for buffers. */
  public ByteOrder order() {
    return order;
  }

  static ByteOrdering of(ByteOrder order) {
    return order == ByteOrder.BIG_ENDIAN ? BIG_ENDIAN : LITTLE_ENDIAN;
  }
}
