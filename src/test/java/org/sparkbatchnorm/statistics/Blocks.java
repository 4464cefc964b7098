package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Blocks made of numbers. */
final class Blocks {
  private Blocks() {}

  /** The bytes of values that the type holds exactly. */
  static ByteBuffer bytes(DType dtype, ByteOrder order, double... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes()).order(order);
    if (dtype.isFloating()) {
      Elements.encode(dtype, values, values.length, bytes);
      return bytes.flip();
    }
    for (double value : values) {
      switch (dtype.bytes()) {
        case 1 -> bytes.put((byte) (long) value);
        case 2 -> bytes.putShort((short) (long) value);
        case 4 -> bytes.putInt((int) (long) value);
        default -> bytes.putLong((long) value);
      }
    }
    return bytes.flip();
  }

  /** A whole array of doubles. */
  static TensorBlock whole(ChannelView view, double... values) {
    return TensorBlock.whole(DType.F64, bytes(DType.F64, ByteOrder.LITTLE_ENDIAN, values), view);
  }

  /** A whole array of one channel. */
  static TensorBlock channel(double... values) {
    return whole(new ChannelView(values.length, 1, 1), values);
  }

  /** Elements {@code from} to {@code to} of an array. */
  static TensorBlock part(DType dtype, ByteBuffer bytes, ChannelView view, int from, int to) {
    ByteBuffer part = bytes.duplicate().order(bytes.order());
    part.position(bytes.position() + from * dtype.bytes());
    part.limit(bytes.position() + to * dtype.bytes());
    return new TensorBlock(dtype, part, view, from);
  }

  /** The moments of these blocks, by one accumulator. */
  static ChannelMoments moments(int channels, TensorBlock... blocks) {
    ChannelMomentsAccumulator accumulator =
        ChannelMomentsAccumulator.forChannels(channels, Accumulation.WELFORD);
    for (TensorBlock block : blocks) {
      accumulator.add(block);
    }
    return accumulator.snapshot();
  }

  /** The values of one channel, in the order of the array. */
  static double[] ofChannel(double[] values, ChannelView view, int channel) {
    double[] found = new double[Math.toIntExact(view.elementsPerChannel())];
    for (int i = 0, n = 0; i < values.length; i++) {
      if (i / view.inner() % view.channels() == channel) {
        found[n++] = values[i];
      }
    }
    return found;
  }
}
