package org.sparkbatchnorm.statistics;

import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.F2D;
import static org.sparkbatchnorm.statistics.VectorLanes.DOUBLES;
import static org.sparkbatchnorm.statistics.VectorLanes.FLOATS;
import static org.sparkbatchnorm.statistics.VectorLanes.L;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/**
 * What exact sums are measured against: sum x and sum x^2 in vectors of doubles, rounded at every
 * step. Four sums at a time hide the latency of additions.
 */
final class VectorNaiveSums implements NaiveSums {
  @Override
  public void row(float[] values, int from, int to, double[] sums, int channel) {
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
      DoubleVector x0 = load(values, i);
      DoubleVector x1 = load(values, i + L);
      DoubleVector x2 = load(values, i + 2 * L);
      DoubleVector x3 = load(values, i + 3 * L);
      s0 = s0.add(x0);
      s1 = s1.add(x1);
      s2 = s2.add(x2);
      s3 = s3.add(x3);
      q0 = x0.fma(x0, q0);
      q1 = x1.fma(x1, q1);
      q2 = x2.fma(x2, q2);
      q3 = x3.fma(x3, q3);
    }
    double s = s0.add(s1).add(s2.add(s3)).reduceLanes(ADD);
    double q = q0.add(q1).add(q2.add(q3)).reduceLanes(ADD);
    for (; i < to; i++) {
      s += values[i];
      q += (double) values[i] * values[i];
    }
    sums[2 * channel] += s;
    sums[2 * channel + 1] += q;
  }

  private static DoubleVector load(float[] values, int i) {
    return (DoubleVector) FloatVector.fromArray(FLOATS, values, i).convertShape(F2D, DOUBLES, 0);
  }

  @Override
  public void row(double[] values, int from, int to, double[] sums, int channel) {
    DoubleVector s0 = DoubleVector.zero(DOUBLES);
    DoubleVector s1 = s0;
    DoubleVector q0 = s0;
    DoubleVector q1 = s0;
    int i = from;
    for (; i <= to - 2 * L; i += 2 * L) {
      DoubleVector x0 = DoubleVector.fromArray(DOUBLES, values, i);
      DoubleVector x1 = DoubleVector.fromArray(DOUBLES, values, i + L);
      s0 = s0.add(x0);
      s1 = s1.add(x1);
      q0 = x0.fma(x0, q0);
      q1 = x1.fma(x1, q1);
    }
    double s = s0.add(s1).reduceLanes(ADD);
    double q = q0.add(q1).reduceLanes(ADD);
    for (; i < to; i++) {
      s += values[i];
      q += values[i] * values[i];
    }
    sums[2 * channel] += s;
    sums[2 * channel + 1] += q;
  }

  @Override
  public void places(float[] values, int from, int channels, double[] sums) {
    int i = 0;
    for (; i <= channels - L; i += L) {
      DoubleVector x = load(values, from + i);
      DoubleVector.fromArray(DOUBLES, sums, i).add(x).intoArray(sums, i);
      x.fma(x, DoubleVector.fromArray(DOUBLES, sums, channels + i)).intoArray(sums, channels + i);
    }
    for (; i < channels; i++) {
      double x = values[from + i];
      sums[i] += x;
      sums[channels + i] += x * x;
    }
  }

  @Override
  public void places(double[] values, int from, int channels, double[] sums) {
    int i = 0;
    for (; i <= channels - L; i += L) {
      DoubleVector x = DoubleVector.fromArray(DOUBLES, values, from + i);
      DoubleVector.fromArray(DOUBLES, sums, i).add(x).intoArray(sums, i);
      x.fma(x, DoubleVector.fromArray(DOUBLES, sums, channels + i)).intoArray(sums, channels + i);
    }
    for (; i < channels; i++) {
      double x = values[from + i];
      sums[i] += x;
      sums[channels + i] += x * x;
    }
  }
}
