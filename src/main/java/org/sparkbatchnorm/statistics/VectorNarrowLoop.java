package org.sparkbatchnorm.statistics;

import static jdk.incubator.vector.VectorOperators.F2D;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.XOR;
import static org.sparkbatchnorm.statistics.VectorLanes.DOUBLES;
import static org.sparkbatchnorm.statistics.VectorLanes.FLOATS;
import static org.sparkbatchnorm.statistics.VectorLanes.L;
import static org.sparkbatchnorm.statistics.VectorLanes.LONGS;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;

/**
 * {@link CertifiedLoops#narrow}: two levels of a sum and of a sum of squares, each step exact or
 * found out by the certificate at the end. The letters are those of {@link LaneSums}.
 *
 * <p>The step stands here four times, as loops are slow in which a vector changes under a condition
 * or passes through a method with others: twice in the loop (a quarter faster), once for what that
 * leaves over, and once, masked, for the last step.
 */
final class VectorNarrowLoop {
  private VectorNarrowLoop() {}

  static int sum(float[] values, Piece piece, LaneSums lanes) {
    long[] sums = lanes.sums;
    int[] done = lanes.steps;
    double[] windows = lanes.windows;
    int base = piece.base;
    int stride = piece.stride;
    int steps = piece.steps;
    int slot = piece.slot;
    int slots = piece.slots;
    int slotStride = piece.slotStride;
    IntVector mask = VectorLanes.intMask(piece.tail);
    int length = (steps - 1) * stride;
    for (int k = 0; k < slots; k++) {
      int after = done[slot] + steps;
      if (after > LaneSums.MOST_STEPS) {
        return k;
      }
      double w = windows[slot];
      double w2 = w * w;
      DoubleVector m = DoubleVector.broadcast(DOUBLES, w * LaneSums.SUM_BIAS);
      DoubleVector m0 = DoubleVector.broadcast(DOUBLES, w2);
      DoubleVector m1 = DoubleVector.broadcast(DOUBLES, w2 + w2 * LaneSums.SQUARE_REST_BIAS);
      int at = slot * (LaneSums.NARROW_LEVELS * L);
      LongVector s = LongVector.fromArray(LONGS, sums, at);
      LongVector q = LongVector.fromArray(LONGS, sums, at + L);
      LongVector r = LongVector.fromArray(LONGS, sums, at + 2 * L);
      LongVector c = LongVector.zero(LONGS);
      LongVector h = LongVector.zero(LONGS);
      int last = base + length;
      int i = base;
      for (; i < last - stride; i += 2 * stride) {
        {
          DoubleVector x =
              (DoubleVector) FloatVector.fromArray(FLOATS, values, i).convertShape(F2D, DOUBLES, 0);
          // h: g in the binade of M0, [W^2, 2 W^2), means |x| < W, as rounding is monotonic and 2
          // W^2 is a double. Then 2 W < x + M < 4 W, f - M is exact (Sterbenz), and c: bits(f -
          // M) = bits(x), the sign of zero apart, means that f is exact, so that x is a multiple
          // of ulp(M) = 2^(top-50).
          DoubleVector f = x.add(m);
          s = s.add(f.viewAsIntegralLanes());
          c = c.or(f.sub(m).viewAsIntegralLanes().lanewise(XOR, x.viewAsIntegralLanes()));
          DoubleVector g = x.fma(x, m0);
          q = q.add(g.viewAsIntegralLanes());
          h = h.or(g.viewAsIntegralLanes());
          // m1 - g = M1 - (g - M0): integers in ulp(M0) = 2^(2 top-50), at most 2^52 + 3 of them,
          // so exact. The rest x^2 - (g - M0) is at most ulp(M0) / 2 and a multiple of 2^(2
          // top-100), and M1 is 3 ulp(M0): the sum lies between 2 and 4 ulp(M0), where doubles
          // are 2^(2 top-101) apart: exact.
          r = r.add(x.fma(x, m1.sub(g)).viewAsIntegralLanes());
        }
        {
          DoubleVector x =
              (DoubleVector)
                  FloatVector.fromArray(FLOATS, values, i + stride).convertShape(F2D, DOUBLES, 0);
          DoubleVector f = x.add(m);
          s = s.add(f.viewAsIntegralLanes());
          c = c.or(f.sub(m).viewAsIntegralLanes().lanewise(XOR, x.viewAsIntegralLanes()));
          DoubleVector g = x.fma(x, m0);
          q = q.add(g.viewAsIntegralLanes());
          h = h.or(g.viewAsIntegralLanes());
          r = r.add(x.fma(x, m1.sub(g)).viewAsIntegralLanes());
        }
      }
      if (i < last) {
        DoubleVector x =
            (DoubleVector) FloatVector.fromArray(FLOATS, values, i).convertShape(F2D, DOUBLES, 0);
        DoubleVector f = x.add(m);
        s = s.add(f.viewAsIntegralLanes());
        c = c.or(f.sub(m).viewAsIntegralLanes().lanewise(XOR, x.viewAsIntegralLanes()));
        DoubleVector g = x.fma(x, m0);
        q = q.add(g.viewAsIntegralLanes());
        h = h.or(g.viewAsIntegralLanes());
        r = r.add(x.fma(x, m1.sub(g)).viewAsIntegralLanes());
      }
      {
        DoubleVector x =
            (DoubleVector)
                FloatVector.fromArray(FLOATS, values, last)
                    .viewAsIntegralLanes()
                    .and(mask)
                    .viewAsFloatingLanes()
                    .convertShape(F2D, DOUBLES, 0);
        DoubleVector f = x.add(m);
        s = s.add(f.viewAsIntegralLanes());
        c = c.or(f.sub(m).viewAsIntegralLanes().lanewise(XOR, x.viewAsIntegralLanes()));
        DoubleVector g = x.fma(x, m0);
        q = q.add(g.viewAsIntegralLanes());
        h = h.or(g.viewAsIntegralLanes());
        r = r.add(x.fma(x, m1.sub(g)).viewAsIntegralLanes());
      }
      // The shift forgives -0.0; NaN and infinities have another exponent than M0.
      LongVector refused =
          c.lanewise(LSHL, 1).or(h.lanewise(LSHR, 52).sub(Double.doubleToRawLongBits(w2) >>> 52));
      if (refused.compare(NE, 0).anyTrue()) {
        return k;
      }
      s.intoArray(sums, at);
      q.intoArray(sums, at + L);
      r.intoArray(sums, at + 2 * L);
      done[slot] = after;
      base += slotStride;
      slot++;
    }
    return slots;
  }
}
