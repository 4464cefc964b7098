package org.sparkbatchnorm.format.npy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.sparkbatchnorm.format.ReadableBytes;

/** npy files made by hand: any header, any number of data bytes. */
final class NpyFiles {
  static final String NAME = "x.npy";

  /** Where the header begins in version 1.0. */
  static final int HEADER = 10;

  private NpyFiles() {}

  static ReadableBytes file(String header, int dataBytes) {
    return ReadableBytes.of(NAME, bytes(1, header.getBytes(StandardCharsets.UTF_8), dataBytes));
  }

  static byte[] bytes(int major, byte[] header, int dataBytes) {
    int lengthBytes = major == 1 ? Short.BYTES : Integer.BYTES;
    ByteBuffer file =
        ByteBuffer.allocate(8 + lengthBytes + header.length + dataBytes)
            .order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) major, 0});
    if (major == 1) {
      file.putShort((short) header.length);
    } else {
      file.putInt(header.length);
    }
    return file.put(header).array();
  }

  static String dict(String descr, String order, String shape) {
    return "{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n".formatted(descr, order, shape);
  }
}
