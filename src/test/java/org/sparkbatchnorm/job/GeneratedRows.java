package org.sparkbatchnorm.job;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.Random;

/**
 * Activations for benchmarks: float32 rows of {@code [64, 28, 28]}, normal values, each channel
 * with a mean and a deviation of its own. After {@value #DISTINCT} rows, 51 MB, they repeat.
 */
final class GeneratedRows {
  static final int CHANNELS = 64;
  static final int HEIGHT = 28;
  static final int INNER = HEIGHT * HEIGHT;
  static final int ROW_VALUES = CHANNELS * INNER;
  static final int ROW_BYTES = Float.BYTES * ROW_VALUES;

  private static final int DISTINCT = 256;
  private static final long SEED = 1;

  private GeneratedRows() {}

  /** Made when first asked for. */
  private static final class Holder {
    private static final float[] VALUES = values();
  }

  private static float[] values() {
    float[] values = new float[DISTINCT * ROW_VALUES];
    Random random = new Random(SEED);
    for (int i = 0; i < values.length; i++) {
      double channel = (double) (i / INNER % CHANNELS) / CHANNELS;
      values[i] = (float) (4 * channel - 2 + (0.5 + channel) * random.nextGaussian());
    }
    return values;
  }

  private static int start(long row) {
    return (int) (row % DISTINCT) * ROW_VALUES;
  }

  static float[] floats(long row) {
    return Arrays.copyOfRange(Holder.VALUES, start(row), start(row) + ROW_VALUES);
  }

  static byte[] littleEndianBytes(long row) {
    byte[] bytes = new byte[ROW_BYTES];
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .put(Holder.VALUES, start(row), ROW_VALUES);
    return bytes;
  }

  /** Appends the first rows to a file. */
  static void write(int rows, FileChannel file) throws IOException {
    for (int row = 0; row < rows; row++) {
      ByteBuffer bytes = ByteBuffer.wrap(littleEndianBytes(row));
      while (bytes.hasRemaining()) {
        file.write(bytes);
      }
    }
  }
}
