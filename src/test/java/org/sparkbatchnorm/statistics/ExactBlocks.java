package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Blocks for exact kernels: all kinds of data, cut in all ways. */
final class ExactBlocks {
  private ExactBlocks() {}

  /** What activations look like, and what they never should. */
  enum Data {
    GAUSSIAN {
      @Override
      double next(Random random) {
        return random.nextGaussian();
      }
    },
    RELU {
      @Override
      double next(Random random) {
        return Math.max(0, random.nextGaussian());
      }
    },
    MEAN_1E7 {
      @Override
      double next(Random random) {
        return 1e7 + 0.1 * random.nextGaussian();
      }
    },
    SUBNORMAL_FLOATS {
      @Override
      double next(Random random) {
        return (random.nextInt(1 << 24) - (1 << 23)) * 0x1p-149;
      }
    },
    SCALE_1E30 {
      @Override
      double next(Random random) {
        return 1e30 * random.nextGaussian();
      }
    },
    LOG_NORMAL {
      @Override
      double next(Random random) {
        return Math.exp(20 * random.nextGaussian());
      }
    },
    EXTREME_DOUBLES {
      @Override
      double next(Random random) {
        return Math.scalb(random.nextGaussian(), random.nextInt(2_090) - 1_070);
      }
    },
    ALTERNATING_SIGNS {
      @Override
      double next(Random random) {
        return random.nextBoolean() ? 0x1.fffffep-3 : -0x1.fffffep-3;
      }
    };

    abstract double next(Random random);
  }

  /** Values of a floating-point type; what is too large for it becomes 1. */
  static ByteBuffer of(DType dtype, Data data, int count, Random random) {
    ByteBuffer bytes = ByteBuffer.allocate(count * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    double[] value = new double[1];
    for (int i = 0; i < count; i++) {
      value[0] = data.next(random);
      bytes.mark();
      Elements.encode(dtype, value, 1, bytes);
      bytes.reset();
      Elements.decode(dtype, bytes, value, 1);
      if (!Double.isFinite(value[0])) {
        value[0] = 1;
      }
      Elements.encode(dtype, value, 1, bytes);
    }
    return bytes.flip();
  }

  /** Any bit patterns: for floating-point types, NaN and infinities among them. */
  static ByteBuffer patterns(DType dtype, int count, Random random) {
    byte[] bytes = new byte[count * dtype.bytes()];
    random.nextBytes(bytes);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Elements {@code from} to {@code to} of an array. */
  static TensorBlock part(TensorBlock whole, int from, int to) {
    ByteBuffer part = whole.bytes().duplicate().order(whole.bytes().order());
    int base = part.position();
    part.limit(base + to * whole.dtype().bytes());
    part.position(base + from * whole.dtype().bytes());
    return new TensorBlock(whole.dtype(), part, whole.view(), from);
  }

  /** The array with its elements in another order of the same channels: {@code inner} first. */
  static TensorBlock transposed(TensorBlock whole) {
    ChannelView view = whole.view();
    int width = whole.dtype().bytes();
    int outer = (int) view.outer();
    int inner = (int) view.inner();
    ByteBuffer from = whole.bytes();
    ByteBuffer to = ByteBuffer.allocate(whole.elements() * width).order(from.order());
    for (int o = 0; o < outer; o++) {
      for (int i = 0; i < inner; i++) {
        for (int c = 0; c < view.channels(); c++) {
          int element = (o * view.channels() + c) * inner + i;
          to.put(from.slice(from.position() + element * width, width));
        }
      }
    }
    return TensorBlock.whole(
        whole.dtype(), to.flip(), new ChannelView((long) outer * inner, view.channels(), 1));
  }

  /** The exact sums of these blocks, by one scalar kernel. */
  static ExactSums sums(TensorBlock... blocks) {
    int channels = blocks[0].view().channels();
    ExactSums sums = ExactSums.forChannels(channels);
    ExactScalarKernel kernel = new ExactScalarKernel(sums, NonFiniteCounts.none(channels));
    for (TensorBlock block : blocks) {
      kernel.add(block);
    }
    kernel.flush();
    return sums;
  }
}
