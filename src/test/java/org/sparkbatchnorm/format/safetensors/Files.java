package org.sparkbatchnorm.format.safetensors;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.sparkbatchnorm.format.ReadableBytes;

/** safetensors files made by hand: any header, any number of data bytes. */
final class Files {
  static final String NAME = "x.safetensors";

  private Files() {}

  static ReadableBytes file(String header, int dataBytes) {
    return file(bytes(header.getBytes(StandardCharsets.UTF_8), dataBytes));
  }

  static ReadableBytes file(byte[] bytes) {
    return ReadableBytes.of(NAME, bytes);
  }

  static byte[] bytes(byte[] header, int dataBytes) {
    return ByteBuffer.allocate(8 + header.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .array();
  }

  /** A member of the header. */
  static String entry(String name, String dtype, String shape, String offsets) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}"
        .formatted(name, dtype, shape, offsets);
  }
}
