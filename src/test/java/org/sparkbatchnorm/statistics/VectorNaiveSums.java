package org.sparkbatchnorm.statistics;

import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.F2D;
import static org.sparkbatchnorm.statistics.VectorLanes.BYTES;
import static org.sparkbatchnorm.statistics.VectorLanes.DOUBLES;
import static org.sparkbatchnorm.statistics.VectorLanes.L;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.DoubleVector;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * What exact sums are measured against: vectors of doubles, read where the exact kernel reads them,
 * floats in the block itself and doubles in an array. Four sums at a time hide the latency of
 * additions; a last step is masked.
 */
final class VectorNaiveSums implements NaiveSums {
  private static final int STEP_BYTES = Float.BYTES * L;

  private final Widening widening = new Widening();
  private final double[] doubles =
      new double[(KernelBenchmark.BLOCK_BYTES + KernelBenchmark.SLACK_BYTES) / Double.BYTES];
  private byte[] floats;
  private int origin;
  private boolean wide;

  @Override
  public void load(TensorBlock block) {
    wide = block.dtype() == DType.F64;
    switch (block.dtype()) {
      case F32 -> {
        floats = block.bytes().array();
        origin = block.bytes().arrayOffset() + block.bytes().position();
      }
      case F64 -> block.bytes().asDoubleBuffer().get(doubles, 0, block.elements());
      default -> {
        widening.of(block);
        floats = widening.floats;
        origin = 0;
      }
    }
  }

  @Override
  public void row(int from, int to, double[] sums, int channel) {
    if (wide) {
      row(doubles, from, to, sums, channel);
    } else {
      row(floats, origin + Float.BYTES * from, origin + Float.BYTES * to, sums, channel);
    }
  }

  /** Channels are a multiple of L. */
  @Override
  public void places(int from, int channels, double[] sums) {
    if (wide) {
      places(doubles, from, channels, sums);
    } else {
      places(floats, origin + Float.BYTES * from, channels, sums);
    }
  }

  private static DoubleVector load(byte[] values, int i) {
    return (DoubleVector)
        ByteVector.fromArray(BYTES, values, i).reinterpretAsFloats().convertShape(F2D, DOUBLES, 0);
  }

  private static void row(byte[] values, int from, int to, double[] sums, int channel) {
    DoubleVector s0 = DoubleVector.zero(DOUBLES);
    DoubleVector s1 = s0;
    DoubleVector s2 = s0;
    DoubleVector s3 = s0;
    DoubleVector q0 = s0;
    DoubleVector q1 = s0;
    DoubleVector q2 = s0;
    DoubleVector q3 = s0;
    int i = from;
    for (; i <= to - 4 * STEP_BYTES; i += 4 * STEP_BYTES) {
      DoubleVector x0 = load(values, i);
      DoubleVector x1 = load(values, i + STEP_BYTES);
      DoubleVector x2 = load(values, i + 2 * STEP_BYTES);
      DoubleVector x3 = load(values, i + 3 * STEP_BYTES);
      s0 = s0.add(x0);
      s1 = s1.add(x1);
      s2 = s2.add(x2);
      s3 = s3.add(x3);
      q0 = x0.fma(x0, q0);
      q1 = x1.fma(x1, q1);
      q2 = x2.fma(x2, q2);
      q3 = x3.fma(x3, q3);
    }
    for (; i <= to - STEP_BYTES; i += STEP_BYTES) {
      DoubleVector x = load(values, i);
      s0 = s0.add(x);
      q0 = x.fma(x, q0);
    }
    DoubleVector last =
        (DoubleVector)
            ByteVector.fromArray(BYTES, values, i)
                .reinterpretAsInts()
                .and(VectorLanes.intMask((to - i) / Float.BYTES))
                .reinterpretAsFloats()
                .convertShape(F2D, DOUBLES, 0);
    s1 = s1.add(last);
    q1 = last.fma(last, q1);
    sums[2 * channel] += s0.add(s1).add(s2.add(s3)).reduceLanes(ADD);
    sums[2 * channel + 1] += q0.add(q1).add(q2.add(q3)).reduceLanes(ADD);
  }

  private static void row(double[] values, int from, int to, double[] sums, int channel) {
    DoubleVector s0 = DoubleVector.zero(DOUBLES);
    DoubleVector s1 = s0;
    DoubleVector s2 = s0;
    DoubleVector s3 = s0;
    DoubleVector q0 = s0;
    DoubleVector q1 = s0;
    DoubleVector q2 = s0;
    DoubleVector q3 = s0;
    int i = from;
    for (; i <= to - 4 * L; i += 4 * L) {
      DoubleVector x0 = DoubleVector.fromArray(DOUBLES, values, i);
      DoubleVector x1 = DoubleVector.fromArray(DOUBLES, values, i + L);
      DoubleVector x2 = DoubleVector.fromArray(DOUBLES, values, i + 2 * L);
      DoubleVector x3 = DoubleVector.fromArray(DOUBLES, values, i + 3 * L);
      s0 = s0.add(x0);
      s1 = s1.add(x1);
      s2 = s2.add(x2);
      s3 = s3.add(x3);
      q0 = x0.fma(x0, q0);
      q1 = x1.fma(x1, q1);
      q2 = x2.fma(x2, q2);
      q3 = x3.fma(x3, q3);
    }
    for (; i <= to - L; i += L) {
      DoubleVector x = DoubleVector.fromArray(DOUBLES, values, i);
      s0 = s0.add(x);
      q0 = x.fma(x, q0);
    }
    DoubleVector last =
        DoubleVector.fromArray(DOUBLES, values, i)
            .reinterpretAsLongs()
            .and(VectorLanes.longMask(to - i))
            .reinterpretAsDoubles();
    s1 = s1.add(last);
    q1 = last.fma(last, q1);
    sums[2 * channel] += s0.add(s1).add(s2.add(s3)).reduceLanes(ADD);
    sums[2 * channel + 1] += q0.add(q1).add(q2.add(q3)).reduceLanes(ADD);
  }

  private static void places(byte[] values, int from, int channels, double[] sums) {
    for (int i = 0; i < channels; i += L) {
      DoubleVector x = load(values, from + Float.BYTES * i);
      DoubleVector.fromArray(DOUBLES, sums, i).add(x).intoArray(sums, i);
      x.fma(x, DoubleVector.fromArray(DOUBLES, sums, channels + i)).intoArray(sums, channels + i);
    }
  }

  private static void places(double[] values, int from, int channels, double[] sums) {
    for (int i = 0; i < channels; i += L) {
      DoubleVector x = DoubleVector.fromArray(DOUBLES, values, from + i);
      DoubleVector.fromArray(DOUBLES, sums, i).add(x).intoArray(sums, i);
      x.fma(x, DoubleVector.fromArray(DOUBLES, sums, channels + i)).intoArray(sums, channels + i);
    }
  }
}
