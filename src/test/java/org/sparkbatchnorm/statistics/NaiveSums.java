package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Sums of x and x^2 in doubles, rounded at every step, for the benchmark only. Halves are widened
 * by the exact kernel's loop.
 */
interface NaiveSums {
  /** The block that the sums to come are of, of a floating-point type. */
  void load(TensorBlock block);

  /** Adds some elements, all of one channel: S and Q next to each other. */
  void row(int from, int to, double[] sums, int channel);

  /** Adds one element to each channel: S of all channels, then Q. */
  void places(int from, int channels, double[] sums);

  /** In vectors. By name: javac does not see the incubating module. */
  static NaiveSums vector() {
    try {
      return Class.forName("org.sparkbatchnorm.statistics.VectorNaiveSums")
          .asSubclass(NaiveSums.class)
          .getDeclaredConstructor()
          .newInstance();
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  /** Halves as floats. */
  final class Widening {
    private final CertifiedLoops loops = CountingLoops.vectorLoops();
    private final short[] halves = new short[KernelBenchmark.BLOCK_BYTES / Short.BYTES];

    /** In the machine's byte order; what follows them may be read, but means nothing. */
    final byte[] floats = new byte[2 * KernelBenchmark.BLOCK_BYTES + KernelBenchmark.SLACK_BYTES];

    void of(TensorBlock block) {
      int n = block.elements();
      block.bytes().asShortBuffer().get(halves, 0, n);
      if (block.dtype() == DType.F16) {
        loops.ofBinary16(halves, floats, 0, n);
      } else {
        loops.ofBfloat16(halves, floats, 0, n);
      }
    }
  }

  /** From an array, one value after the other, four sums at a time in rows. */
  final class Scalar implements NaiveSums {
    private final Widening widening = new Widening();
    private final FloatBuffer widened =
        ByteBuffer.wrap(widening.floats).order(ByteOrder.nativeOrder()).asFloatBuffer();
    private final float[] floats = new float[KernelBenchmark.BLOCK_BYTES / Short.BYTES];
    private final double[] doubles = new double[KernelBenchmark.BLOCK_BYTES / Double.BYTES];
    private boolean wide;

    @Override
    public void load(TensorBlock block) {
      int n = block.elements();
      wide = block.dtype() == DType.F64;
      switch (block.dtype()) {
        case F32 -> block.bytes().asFloatBuffer().get(floats, 0, n);
        case F64 -> block.bytes().asDoubleBuffer().get(doubles, 0, n);
        default -> {
          widening.of(block);
          widened.get(0, floats, 0, n);
        }
      }
    }

    @Override
    public void row(int from, int to, double[] sums, int channel) {
      if (wide) {
        row(doubles, from, to, sums, channel);
      } else {
        row(floats, from, to, sums, channel);
      }
    }

    @Override
    public void places(int from, int channels, double[] sums) {
      if (wide) {
        places(doubles, from, channels, sums);
      } else {
        places(floats, from, channels, sums);
      }
    }

    private static void row(float[] values, int from, int to, double[] sums, int channel) {
      double s0 = 0;
      double s1 = 0;
      double s2 = 0;
      double s3 = 0;
      double q0 = 0;
      double q1 = 0;
      double q2 = 0;
      double q3 = 0;
      int i = from;
      for (; i < to - 3; i += 4) {
        double x0 = values[i];
        double x1 = values[i + 1];
        double x2 = values[i + 2];
        double x3 = values[i + 3];
        s0 += x0;
        s1 += x1;
        s2 += x2;
        s3 += x3;
        q0 += x0 * x0;
        q1 += x1 * x1;
        q2 += x2 * x2;
        q3 += x3 * x3;
      }
      for (; i < to; i++) {
        s0 += values[i];
        q0 += (double) values[i] * values[i];
      }
      sums[2 * channel] += (s0 + s1) + (s2 + s3);
      sums[2 * channel + 1] += (q0 + q1) + (q2 + q3);
    }

    private static void row(double[] values, int from, int to, double[] sums, int channel) {
      double s0 = 0;
      double s1 = 0;
      double q0 = 0;
      double q1 = 0;
      int i = from;
      for (; i < to - 1; i += 2) {
        double x0 = values[i];
        double x1 = values[i + 1];
        s0 += x0;
        s1 += x1;
        q0 += x0 * x0;
        q1 += x1 * x1;
      }
      for (; i < to; i++) {
        s0 += values[i];
        q0 += values[i] * values[i];
      }
      sums[2 * channel] += s0 + s1;
      sums[2 * channel + 1] += q0 + q1;
    }

    private static void places(float[] values, int from, int channels, double[] sums) {
      for (int i = 0; i < channels; i++) {
        double x = values[from + i];
        sums[i] += x;
        sums[channels + i] += x * x;
      }
    }

    private static void places(double[] values, int from, int channels, double[] sums) {
      for (int i = 0; i < channels; i++) {
        double x = values[from + i];
        sums[i] += x;
        sums[channels + i] += x * x;
      }
    }
  }
}
