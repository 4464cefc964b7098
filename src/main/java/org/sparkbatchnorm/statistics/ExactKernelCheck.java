package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Whether the vector kernel gives the scalar kernel's bits on this machine: on rows of a single
 * step, rows with a tail, long rows, lanes, each element type, and on values that are refused,
 * moved to another window, taken by the second loop, or by none. It compares bits and not times,
 * which are noise on a shared machine; but it does bring every loop past its first steps, without
 * which HotSpot has taken most of a second to see that they are hot.
 */
final class ExactKernelCheck {
  private static final int CHANNELS = 3;

  private final SplittableRandom random = new SplittableRandom(1);
  private final Sums byVector;
  private final Sums byScalar;

  private ExactKernelCheck(CertifiedLoops loops) {
    ExactSums sums = ExactSums.forChannels(CHANNELS);
    NonFiniteCounts nonFinite = NonFiniteCounts.none(CHANNELS);
    byVector = new Sums(sums, nonFinite, new ExactVectorKernel(loops, sums, nonFinite));
    ExactSums scalarSums = ExactSums.forChannels(CHANNELS);
    NonFiniteCounts scalarNonFinite = NonFiniteCounts.none(CHANNELS);
    byScalar =
        new Sums(
            scalarSums, scalarNonFinite, ExactKernels.scalarKernel(scalarSums, scalarNonFinite));
  }

  private record Sums(ExactSums sums, NonFiniteCounts nonFinite, ExactKernel kernel) {
    boolean matches(Sums that) {
      for (int c = 0; c < CHANNELS; c++) {
        if (sums.count(c) != that.sums.count(c)
            || !sums.sum(c).equals(that.sums.sum(c))
            || !sums.squares(c).equals(that.sums.squares(c))) {
          return false;
        }
      }
      return nonFinite.equals(that.nonFinite);
    }
  }

  /** Runs it. */
  static boolean passes(CertifiedLoops loops) {
    return new ExactKernelCheck(loops).passes();
  }

  private boolean passes() {
    int periods = 11;
    boolean same = true;
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16, DType.F64}) {
      same &= same(dtype, 1, periods, 0, 0);
      same &= same(dtype, 8, 2, 0, 0);
      same &= same(dtype, 49, 2, 1, 0);
      same &= same(dtype, 130, 1, 2, 0);
      same &= same(dtype, 21, 2, 14, 6);
      same &= same(dtype, 21, 2, 30, -9);
      same &= same(dtype, 21, 1, 200, 0);
      same &= same(dtype, 1, periods, 30, -9);
    }
    byVector.kernel().flush();
    byScalar.kernel().flush();
    return same && byVector.matches(byScalar);
  }

  /**
   * Adds values of a scale and of magnitudes that differ by that many binades; where the type does
   * not reach as far, some of them are infinite.
   */
  private boolean same(DType dtype, int inner, int outer, int binades, int scale) {
    ChannelView view = new ChannelView(outer, CHANNELS, inner);
    int n = (int) view.elements();
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = Math.scalb(random.nextDouble() * 2 - 1, random.nextInt(binades + 1) + scale);
    }
    ByteBuffer bytes = ByteBuffer.allocate(n * dtype.bytes()).order(ByteOrder.nativeOrder());
    Elements.encode(dtype, values, n, bytes);
    TensorBlock block = TensorBlock.whole(dtype, bytes.flip(), view);
    return byVector.kernel().add(block) == byScalar.kernel().add(block);
  }
}
