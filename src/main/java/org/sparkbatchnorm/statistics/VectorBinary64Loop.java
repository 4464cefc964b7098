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
 * half is a value of its own, with the numbers of {@link LaneLevels#BINARY64}. The letters are
 * those of {@link LaneSums}.
 */
final class VectorBinary64Loop {
  private VectorBinary64Loop() {}

  static int sum(double[] values, Piece piece, LaneSums lanes) {
    LaneLevels levels = lanes.levels;
    long[] sums = lanes.sums;
    long[] rests = lanes.rests;
    int[] pieces = lanes.pieces;
    double[] windows = lanes.windows;
    int base = piece.base;
    int stride = piece.stride;
    int slot = piece.slot;
    int slots = piece.slots;
    int slotStride = piece.slotStride;
    LongVector mask = VectorLanes.longMask(piece.tail);
    DoubleVector zero = DoubleVector.zero(DOUBLES);
    int steps = piece.steps;
    int length = (steps - 1) * stride;
    for (int k = 0; k < slots; k++) {
      if (pieces[slot] >= levels.mostPieces) {
        return k;
      }
      double w = windows[slot];
      double w2 = w * w;
      DoubleVector m1 = DoubleVector.broadcast(DOUBLES, w2 * levels.squareRestBias);
      DoubleVector m2 = DoubleVector.broadcast(DOUBLES, w2 * levels.squareLastBias);
      DoubleVector s1 = DoubleVector.broadcast(DOUBLES, w * LaneSums.SUM_BIAS);
      DoubleVector q1 = DoubleVector.broadcast(DOUBLES, w2);
      DoubleVector y1 = DoubleVector.broadcast(DOUBLES, w * levels.restBias);
      DoubleVector s2 = s1;
      DoubleVector q2 = q1;
      DoubleVector y2 = y1;
      LongVector r = LongVector.zero(LONGS);
      LongVector t = LongVector.zero(LONGS);
      LongVector c = LongVector.zero(LONGS);
      int last = base + length;
      int i = base;
      for (; i < last - stride; i += 2 * stride) {
        {
          DoubleVector x = DoubleVector.fromArray(DOUBLES, values, i);
          DoubleVector f = s1.add(x);
          DoubleVector y = x.sub(f.sub(s1));
          s1 = f;
          DoubleVector e = y1.add(y);
          c = c.or(e.sub(y1).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
          y1 = e;
          // x^2 = u - v, both multiples of 2^-154 W^2, no less than the smallest double; v is at
          // most half
          // an ulp of u < W^2 (1 + 2^-46), and p, the error of g, half an ulp of g.
          DoubleVector u = x.mul(x);
          DoubleVector v = zero.sub(x).fma(x, u);
          DoubleVector g = q1.add(u);
          DoubleVector p = u.sub(g.sub(q1));
          q1 = g;
          // b and d round p and -v to multiples of 2^-104 W^2; what is lost of each is at most
          // 2^-105 W^2,
          // so that both together, in units of 2^-154 W^2, have 51 bits: exact, and exact in M2.
          DoubleVector b = p.add(m1);
          DoubleVector d = m1.sub(v);
          r = r.add(b.viewAsIntegralLanes()).add(d.viewAsIntegralLanes());
          DoubleVector z = p.sub(b.sub(m1)).sub(v.add(d.sub(m1)));
          t = t.add(z.add(m2).viewAsIntegralLanes());
        }
        {
          DoubleVector x = DoubleVector.fromArray(DOUBLES, values, i + stride);
          DoubleVector f = s2.add(x);
          DoubleVector y = x.sub(f.sub(s2));
          s2 = f;
          DoubleVector e = y2.add(y);
          c = c.or(e.sub(y2).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
          y2 = e;
          DoubleVector u = x.mul(x);
          DoubleVector v = zero.sub(x).fma(x, u);
          DoubleVector g = q2.add(u);
          DoubleVector p = u.sub(g.sub(q2));
          q2 = g;
          DoubleVector b = p.add(m1);
          DoubleVector d = m1.sub(v);
          r = r.add(b.viewAsIntegralLanes()).add(d.viewAsIntegralLanes());
          DoubleVector z = p.sub(b.sub(m1)).sub(v.add(d.sub(m1)));
          t = t.add(z.add(m2).viewAsIntegralLanes());
        }
      }
      if (i < last) {
        DoubleVector x = DoubleVector.fromArray(DOUBLES, values, i);
        DoubleVector f = s1.add(x);
        DoubleVector y = x.sub(f.sub(s1));
        s1 = f;
        DoubleVector e = y1.add(y);
        c = c.or(e.sub(y1).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
        y1 = e;
        DoubleVector u = x.mul(x);
        DoubleVector v = zero.sub(x).fma(x, u);
        DoubleVector g = q1.add(u);
        DoubleVector p = u.sub(g.sub(q1));
        q1 = g;
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
        DoubleVector f = s2.add(x);
        DoubleVector y = x.sub(f.sub(s2));
        s2 = f;
        DoubleVector e = y2.add(y);
        c = c.or(e.sub(y2).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
        y2 = e;
        DoubleVector u = x.mul(x);
        DoubleVector v = zero.sub(x).fma(x, u);
        DoubleVector g = q2.add(u);
        DoubleVector p = u.sub(g.sub(q2));
        q2 = g;
        DoubleVector b = p.add(m1);
        DoubleVector d = m1.sub(v);
        r = r.add(b.viewAsIntegralLanes()).add(d.viewAsIntegralLanes());
        DoubleVector z = p.sub(b.sub(m1)).sub(v.add(d.sub(m1)));
        t = t.add(z.add(m2).viewAsIntegralLanes());
      }
      LongVector h =
          q1.viewAsIntegralLanes()
              .lanewise(LSHR, 52)
              .or(q2.viewAsIntegralLanes().lanewise(LSHR, 52))
              .sub(Double.doubleToRawLongBits(w2) >>> 52);
      // The shift forgives the sign of zero.
      if (c.lanewise(LSHL, 1).or(h).compare(NE, 0).anyTrue()) {
        return k;
      }
      int at = slot * (LaneSums.NARROW_LEVELS * L);
      int restAt = slot * (LaneSums.WIDE_LEVELS * L);
      // Two biases are left, as in other sums: each step added two to R and one to T.
      long restBiases = (2L * steps - 2) * Double.doubleToRawLongBits(w2 * levels.squareRestBias);
      long lastBiases = (steps - 2L) * Double.doubleToRawLongBits(w2 * levels.squareLastBias);
      LongVector.fromArray(LONGS, sums, at)
          .add(s1.viewAsIntegralLanes())
          .add(s2.viewAsIntegralLanes())
          .intoArray(sums, at);
      LongVector.fromArray(LONGS, sums, at + L)
          .add(q1.viewAsIntegralLanes())
          .add(q2.viewAsIntegralLanes())
          .intoArray(sums, at + L);
      LongVector.fromArray(LONGS, sums, at + 2 * L)
          .add(r)
          .sub(restBiases)
          .intoArray(sums, at + 2 * L);
      LongVector.fromArray(LONGS, rests, restAt)
          .add(y1.viewAsIntegralLanes())
          .add(y2.viewAsIntegralLanes())
          .intoArray(rests, restAt);
      LongVector.fromArray(LONGS, rests, restAt + L)
          .add(t)
          .sub(lastBiases)
          .intoArray(rests, restAt + L);
      lanes.widePieces[slot]++;
      pieces[slot]++;
      base += slotStride;
      slot++;
    }
    return slots;
  }
}
