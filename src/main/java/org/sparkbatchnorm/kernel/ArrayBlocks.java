package org.sparkbatchnorm.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.function.Consumer;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Arrays in memory as blocks of bytes, which the statistics read: copied, half of the first-level
 * cache at a time. That is no detour: sums that read memory themselves wait for it longer than the
 * copy takes, which asks for many cache lines at once.
 *
 * @param loops that copy floats; without them buffers do
 */
record ArrayBlocks(Optional<NormalizationLoops> loops) {
  private static final int BLOCK_BYTES = 24 * 1024;

  /** All of an array, in order; a block is valid until the sink returns. */
  void forEach(float[] values, ChannelView view, Consumer<TensorBlock> sink) {
    byte[] array = array(Float.BYTES, values.length);
    ByteBuffer bytes = ByteBuffer.wrap(array).order(ByteOrder.nativeOrder());
    int block = BLOCK_BYTES / Float.BYTES;
    for (int done = 0; done < values.length; done += block) {
      int count = Math.min(block, values.length - done);
      bytes.clear();
      if (loops.isPresent()) {
        loops.get().copy(values, done, array, count);
      } else {
        bytes.asFloatBuffer().put(values, done, count);
      }
      sink.accept(new TensorBlock(DType.F32, bytes.limit(count * Float.BYTES), view, done));
    }
  }

  /** The same for doubles. */
  void forEach(double[] values, ChannelView view, Consumer<TensorBlock> sink) {
    ByteBuffer bytes =
        ByteBuffer.wrap(array(Double.BYTES, values.length)).order(ByteOrder.nativeOrder());
    int block = BLOCK_BYTES / Double.BYTES;
    for (int done = 0; done < values.length; done += block) {
      int count = Math.min(block, values.length - done);
      bytes.clear().asDoubleBuffer().put(values, done, count);
      sink.accept(new TensorBlock(DType.F64, bytes.limit(count * Double.BYTES), view, done));
    }
  }

  private static byte[] array(int width, int elements) {
    return new byte[(int) Math.min(BLOCK_BYTES, (long) elements * width) + TensorBlock.SLACK_BYTES];
  }
}
