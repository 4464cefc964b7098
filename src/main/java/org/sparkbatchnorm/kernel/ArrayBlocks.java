package org.sparkbatchnorm.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Arrays in memory as blocks of bytes, which the statistics read. */
final class ArrayBlocks {
  /** A part of the second-level cache. */
  private static final int BLOCK_BYTES = 128 * 1024;

  /** Read by the statistics' vectors beyond a block's end. */
  private static final int SLACK_BYTES = 64;

  private ArrayBlocks() {}

  /** All of an array, in order; a block is valid until the sink returns. */
  static void forEach(float[] values, ChannelView view, Consumer<TensorBlock> sink) {
    ByteBuffer bytes = buffer(Float.BYTES, values.length);
    int block = BLOCK_BYTES / Float.BYTES;
    for (int done = 0; done < values.length; done += block) {
      int count = Math.min(block, values.length - done);
      bytes.clear().asFloatBuffer().put(values, done, count);
      sink.accept(new TensorBlock(DType.F32, bytes.limit(count * Float.BYTES), view, done));
    }
  }

  /** The same for doubles. */
  static void forEach(double[] values, ChannelView view, Consumer<TensorBlock> sink) {
    ByteBuffer bytes = buffer(Double.BYTES, values.length);
    int block = BLOCK_BYTES / Double.BYTES;
    for (int done = 0; done < values.length; done += block) {
      int count = Math.min(block, values.length - done);
      bytes.clear().asDoubleBuffer().put(values, done, count);
      sink.accept(new TensorBlock(DType.F64, bytes.limit(count * Double.BYTES), view, done));
    }
  }

  private static ByteBuffer buffer(int width, int elements) {
    int bytes = (int) Math.min(BLOCK_BYTES, (long) elements * width);
    return ByteBuffer.allocate(bytes + SLACK_BYTES).order(ByteOrder.nativeOrder());
  }
}
