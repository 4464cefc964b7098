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
 * {@link CertifiedLoops#wide}: a level more than the narrow loop, for values that differ by up to
 * 2^53 in magnitude. Its S, Q and R are the narrow loop's. The letters are those of {@link
 * LaneSums}.
 */
final class VectorWideLoop {
  private VectorWideLoop() {}

  static int sum(float[] values, Piece piece, LaneSums lanes) {
    long[] sums = lanes.sums;
    long[] rests = lanes.rests;
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
      if (after > LaneSums.MOST_STEPS + LaneSums.RESERVED) {
        return k;
      }
      double w = windows[slot];
      double w2 = w * w;
      DoubleVector m = DoubleVector.broadcast(DOUBLES, w * LaneSums.SUM_BIAS);
      DoubleVector m0 = DoubleVector.broadcast(DOUBLES, w2);
      DoubleVector m1 = DoubleVector.broadcast(DOUBLES, w2 * LaneSums.SQUARE_REST_BIAS);
      int at = slot * (LaneSums.NARROW_LEVELS * L);
      LongVector s = LongVector.fromArray(LONGS, sums, at);
      LongVector q = LongVector.fromArray(LONGS, sums, at + L);
      LongVector r = LongVector.fromArray(LONGS, sums, at + 2 * L);
      LongVector c = LongVector.zero(LONGS);
      LongVector h = LongVector.zero(LONGS);
      DoubleVector a1 = DoubleVector.broadcast(DOUBLES, w * LaneSums.REST_BIAS);
      DoubleVector m2 = DoubleVector.broadcast(DOUBLES, w2 * LaneSums.SQUARE_LAST_BIAS);
      int restAt = slot * (LaneSums.WIDE_LEVELS * L);
      LongVector s1 = LongVector.fromArray(LONGS, rests, restAt);
      LongVector t = LongVector.fromArray(LONGS, rests, restAt + L);
      int last = base + length;
      for (int i = base; i < last; i += stride) {
        DoubleVector x =
            (DoubleVector) FloatVector.fromArray(FLOATS, values, i).convertShape(F2D, DOUBLES, 0);
        // |x| < W by h, as in the narrow loop. f rounds x to a multiple of 2^(top-50); its error
        // y is a double, at most 2^(top-51). Then |y| < A1 / 3, and c means: y + A1 is exact, so
        // that y and x are multiples of ulp(A1) = 2^(top-76).
        DoubleVector f = x.add(m);
        s = s.add(f.viewAsIntegralLanes());
        DoubleVector y = x.sub(f.sub(m));
        DoubleVector f1 = y.add(a1);
        s1 = s1.add(f1.viewAsIntegralLanes());
        c = c.or(f1.sub(a1).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
        // x^2 has 48 bits: a double, so p, the error of x^2 + M0, is one as well, at most 2^(2
        // top-51).
        DoubleVector g = x.fma(x, m0);
        q = q.add(g.viewAsIntegralLanes());
        h = h.or(g.viewAsIntegralLanes());
        DoubleVector p = x.fma(x, m0.sub(g));
        // b rounds it to a multiple of 2^(2 top-101); the error of that is at most 2^(2 top-102)
        // and a multiple of 2^(2 top-152) = ulp(M2), as x^2 is: exact.
        DoubleVector b = p.add(m1);
        r = r.add(b.viewAsIntegralLanes());
        t = t.add(p.sub(b.sub(m1)).add(m2).viewAsIntegralLanes());
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
        DoubleVector y = x.sub(f.sub(m));
        DoubleVector f1 = y.add(a1);
        s1 = s1.add(f1.viewAsIntegralLanes());
        c = c.or(f1.sub(a1).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
        DoubleVector g = x.fma(x, m0);
        q = q.add(g.viewAsIntegralLanes());
        h = h.or(g.viewAsIntegralLanes());
        DoubleVector p = x.fma(x, m0.sub(g));
        DoubleVector b = p.add(m1);
        r = r.add(b.viewAsIntegralLanes());
        t = t.add(p.sub(b.sub(m1)).add(m2).viewAsIntegralLanes());
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
      s1.intoArray(rests, restAt);
      t.intoArray(rests, restAt + L);
      lanes.wideSteps[slot] += steps;
      done[slot] = after;
      base += slotStride;
      slot++;
    }
    return slots;
  }
}
