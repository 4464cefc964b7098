package org.sparkbatchnorm.format.npy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/** Headers of version 1.0, as numpy writes them. */
final class HeaderBytes {
  private static final int ALIGNMENT = 64;

  private HeaderBytes() {}

  /** A header, padded so that its end, where the elements follow, is a multiple of 64. */
  static byte[] of(String descr, ElementOrder order, Shape shape) {
    String axes =
        Arrays.stream(shape.dimensions()).mapToObj(n -> n + ",").collect(Collectors.joining(" "));
    // As numpy prints tuples: (3,) but (3, 4).
    String tuple = shape.rank() > 1 ? axes.substring(0, axes.length() - 1) : axes;
    String dict =
        "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }"
            .formatted(descr, order == ElementOrder.COLUMN_MAJOR ? "True" : "False", tuple);
    int lengthEnd = HeaderReader.VERSION_END + Short.BYTES;
    int used = lengthEnd + dict.length() + 1;
    int end = (used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    ByteBuffer header = ByteBuffer.allocate(end).order(ByteOrder.LITTLE_ENDIAN);
    header.put(HeaderReader.MAGIC).put((byte) 1).put((byte) 0);
    header.putShort((short) (end - lengthEnd));
    header.put(dict.getBytes(StandardCharsets.US_ASCII));
    while (header.remaining() > 1) {
      header.put((byte) ' ');
    }
    return header.put((byte) '\n').array();
  }
}
