package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Lets a kernel count made-up float32 values for a while, so that HotSpot has compiled it when the
 * first real block comes: a vector kernel that is not compiled yet is a hundred times slower. To be
 * run beside something else that starts slowly, such as a Spark session. Changes no result.
 *
 * <p>What HotSpot has not seen happen it leaves out of the code that it compiles, and throws that
 * code away when it does happen. So shapes, cuts and refusals change from block to block, as they
 * may in real data, and every few blocks begin with new sums.
 *
 * @param kernels whose kernel is warmed up
 * @param millis how long, at most
 */
public record KernelWarmUp(ExactKernels kernels, long millis) implements Runnable {
  private static final int CHANNELS = 64;
  private static final int ELEMENTS = 32_768;

  /** Images of 28, 14, 7, 56 and 112 pixels, and a lane to a channel. */
  private static final int[] INNER = {784, 196, 49, 3_136, 1, 12_544};

  /** One value in so many is tiny, which the first loop refuses now and then. */
  private static final int TINY = 20_000;

  private static final int BLOCKS_OF_SUMS = 24;

  @Override
  public void run() {
    long end = System.nanoTime() + millis * 1_000_000;
    Random random = new Random(ELEMENTS);
    ByteBuffer values =
        ByteBuffer.allocate(Float.BYTES * ELEMENTS + TensorBlock.SLACK_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < ELEMENTS; i++) {
      double scale = random.nextInt(TINY) == 0 ? 0x1p-40 : 1;
      values.putFloat(Float.BYTES * i, (float) (scale * random.nextGaussian()));
    }
    while (System.nanoTime() < end) {
      for (int inner : INNER) {
        ChannelMomentsAccumulator accumulator =
            ChannelMomentsAccumulator.forChannels(CHANNELS, Accumulation.EXACT, kernels);
        ChannelView view = new ChannelView(ELEMENTS / inner + 1, CHANNELS, inner);
        long element = 0;
        for (int i = 0; i < BLOCKS_OF_SUMS && System.nanoTime() < end; i++) {
          int count = i % 8 == 7 ? 1 + random.nextInt(ELEMENTS) : ELEMENTS;
          values.limit(Float.BYTES * count);
          if (element + count > view.elements()) {
            element = 0;
          }
          accumulator.add(new TensorBlock(DType.F32, values, view, element));
          element += count;
        }
        accumulator.snapshot();
      }
    }
  }
}
