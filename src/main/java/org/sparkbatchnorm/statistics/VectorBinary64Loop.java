package org.sparkbatchnorm.statistics;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.XOR;
import static org.sparkbatchnorm.statistics.VectorLanes.DOUBLES;
import static org.sparkbatchnorm.statistics.VectorLanes.L;
import static org.sparkbatchnorm.statistics.VectorLanes.LONGS;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;

/**
 * {@link CertifiedLoops#binary64}: as the wide loop, but squares have 106 bits, so that their lower
 * half is a value of its own. The letters are those of {@link LaneSums}.
 */
final class VectorBinary64Loop {
  private VectorBinary64Loop() {}

  static int sum(double[] values, Piece piece, LaneSums lanes) {
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
    LongVector mask = VectorLanes.longMask(piece.tail);
    DoubleVector zero = DoubleVector.zero(DOUBLES);
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
        DoubleVector x = DoubleVector.fromArray(DOUBLES, values, i);
        // u = fl(x^2), and g in the binade of M0, [W^2, 2 W^2), means u < W^2 and so |x| < W, as
        // rounding is monotonic. x is f - M + y, y is f1 - A1, as in the wide loop.
        DoubleVector f = x.add(m);
        s = s.add(f.viewAsIntegralLanes());
        DoubleVector y = x.sub(f.sub(m));
        DoubleVector f1 = y.add(a1);
        s1 = s1.add(f1.viewAsIntegralLanes());
        c = c.or(f1.sub(a1).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
        // x^2 = u - v: multiples of 2^(2 top-152), no less than the smallest double. v is at most
        // half an ulp of u, 2^(2 top-52).
        DoubleVector u = x.mul(x);
        DoubleVector v = zero.sub(x).fma(x, u);
        DoubleVector g = u.add(m0);
        q = q.add(g.viewAsIntegralLanes());
        h = h.or(g.viewAsIntegralLanes());
        // The error p of that sum is at most 2^(2 top-51). b and d round p and -v to multiples of
        // 2^(2 top-101); what is lost of each is at most 2^(2 top-102), so that both together, in
        // units of 2^(2 top-152), have 51 bits: exact, and exact in M2, whose ulp that is.
        DoubleVector p = u.sub(g.sub(m0));
        DoubleVector b = p.add(m1);
        DoubleVector d = m1.sub(v);
        r = r.add(b.viewAsIntegralLanes()).add(d.viewAsIntegralLanes());
        DoubleVector z = p.sub(b.sub(m1)).sub(v.add(d.sub(m1)));
        t = t.add(z.add(m2).viewAsIntegralLanes());
      }
      {
        DoubleVector x =
            DoubleVector.fromArray(DOUBLES, values, last)
                .viewAsIntegralLanes()
                .and(mask)
                .viewAsFloatingLanes();
        DoubleVector f = x.add(m);
        s = s.add(f.viewAsIntegralLanes());
        DoubleVector y = x.sub(f.sub(m));
        DoubleVector f1 = y.add(a1);
        s1 = s1.add(f1.viewAsIntegralLanes());
        c = c.or(f1.sub(a1).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
        DoubleVector u = x.mul(x);
        DoubleVector v = zero.sub(x).fma(x, u);
        DoubleVector g = u.add(m0);
        q = q.add(g.viewAsIntegralLanes());
        h = h.or(g.viewAsIntegralLanes());
        DoubleVector p = u.sub(g.sub(m0));
        DoubleVector b = p.add(m1);
        DoubleVector d = m1.sub(v);
        r = r.add(b.viewAsIntegralLanes()).add(d.viewAsIntegralLanes());
        DoubleVector z = p.sub(b.sub(m1)).sub(v.add(d.sub(m1)));
        t = t.add(z.add(m2).viewAsIntegralLanes());
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
