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
 * @param kernels whose kernel is warmed up
 * @param millis how long, at most
 */
public record KernelWarmUp(ExactKernels kernels, long millis) implements Runnable {
  private static final int CHANNELS = 64;
  private static final int ELEMENTS = 65_536;

  @Override
  public void run() {
    long end = System.nanoTime() + millis * 1_000_000;
    Random random = new Random(ELEMENTS);
    ByteBuffer values = ByteBuffer.allocate(4 * ELEMENTS).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < ELEMENTS; i++) {
      values.putFloat(4 * i, (float) random.nextGaussian());
    }
    // A row to a channel first, which is what images have; then a lane to a channel.
    ChannelView byRows = new ChannelView(1, CHANNELS, ELEMENTS / CHANNELS);
    ChannelView byLanes = new ChannelView(ELEMENTS / CHANNELS, CHANNELS, 1);
    ChannelMomentsAccumulator accumulator =
        ChannelMomentsAccumulator.forChannels(CHANNELS, Accumulation.EXACT, kernels);
    for (int i = 0; System.nanoTime() < end; i++) {
      ChannelView view = i % 4 == 3 ? byLanes : byRows;
      accumulator.add(TensorBlock.whole(DType.F32, values, view));
    }
  }
}
