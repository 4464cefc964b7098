package org.sparkbatchnorm.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.SplittableRandom;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Half;

/**
 * Whether the vector loops give the scalar loops' bits on this machine: over runs with and without
 * a rest, cycles with and without tiles, each element type, and values that are large, tiny,
 * subnormal and not finite.
 */
final class NormalizationCheck {
  private static final int ELEMENTS = 1536;

  private final SplittableRandom random = new SplittableRandom(1);
  private final NormalizationLoops loops;

  private NormalizationCheck(NormalizationLoops loops) {
    this.loops = loops;
  }

  /** Runs it. */
  static boolean passes(NormalizationLoops loops) {
    return new NormalizationCheck(loops).passes();
  }

  private boolean passes() {
    boolean same = sameHalves(DType.F16);
    same &= sameHalves(DType.BF16);
    // Channels that fill tiles at once, when repeated, and never; long, short and uneven runs.
    same &= sameArrays(new ChannelView(24, 64, 1));
    same &= sameArrays(new ChannelView(512, 3, 1));
    same &= sameArrays(new ChannelView(3, 509, 1));
    same &= sameArrays(new ChannelView(4, 3, 128));
    same &= sameArrays(new ChannelView(5, 6, 49));
    same &= sameArrays(new ChannelView(128, 3, 4));
    return same;
  }

  private double value() {
    double value = random.nextDouble() * 4 - 2;
    return switch (random.nextInt(16)) {
      case 0 -> Math.scalb(value, random.nextInt(-160, 160));
      case 1 -> value < 0 ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
      case 2 -> Double.NaN;
      case 3 -> 0 * value;
      default -> value;
    };
  }

  private double[] values(int count) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = value();
    }
    return values;
  }

  private boolean sameArrays(ChannelView view) {
    int channels = view.channels();
    double[] variance = random.doubles(channels, 0, 2).toArray();
    ChannelParameters parameters =
        ChannelParameters.of(
            random.doubles(channels, -1, 1).toArray(),
            variance,
            1e-5,
            Optional.of(random.doubles(channels, -2, 2).toArray()),
            Optional.of(random.doubles(channels, -1, 1).toArray()));
    Normalization byVector = new LaneNormalization(loops, parameters);
    Normalization byScalar = new ScalarNormalization(parameters);
    int n = (int) Math.min(ELEMENTS, view.elements() - 1);
    double[] doubles = values(n);
    double[] doublesByVector = new double[n];
    double[] doublesByScalar = new double[n];
    byVector.apply(doubles, doublesByVector, 0, n, view, 1);
    byScalar.apply(doubles, doublesByScalar, 0, n, view, 1);
    float[] floats = new float[n];
    for (int i = 0; i < n; i++) {
      floats[i] = (float) doubles[i];
    }
    float[] floatsByVector = new float[n];
    float[] floatsByScalar = new float[n];
    byVector.apply(floats, floatsByVector, 0, n, view, 1);
    byScalar.apply(floats, floatsByScalar, 0, n, view, 1);
    byte[] copied = new byte[Float.BYTES * n];
    loops.copy(floats, 0, copied, n);
    ByteBuffer copy = ByteBuffer.wrap(copied).order(ByteOrder.nativeOrder());
    boolean same = true;
    for (int i = 0; i < n; i++) {
      same &= Float.compare(copy.getFloat(), floats[i]) == 0;
      same &= Double.compare(doublesByVector[i], doublesByScalar[i]) == 0;
      same &= Float.compare(floatsByVector[i], floatsByScalar[i]) == 0;
    }
    return same;
  }

  private boolean sameHalves(DType half) {
    double[] values = values(ELEMENTS + 1);
    short[] bits = new short[values.length];
    loops.narrow(half, values, bits, values.length);
    double[] widened = new double[values.length];
    loops.widen(half, bits, widened, values.length);
    boolean same = true;
    for (int i = 0; i < values.length; i++) {
      short expected = half == DType.F16 ? Half.toBinary16(values[i]) : Half.toBfloat16(values[i]);
      double value = half == DType.F16 ? Half.ofBinary16(bits[i]) : Half.ofBfloat16(bits[i]);
      same &= bits[i] == expected || (Double.isNaN(values[i]) && Double.isNaN(value));
      same &= Double.compare(widened[i], value) == 0;
    }
    return same;
  }
}
