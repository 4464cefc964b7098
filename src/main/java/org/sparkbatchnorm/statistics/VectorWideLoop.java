package org.sparkbatchnorm.statistics;

import static jdk.incubator.vector.VectorOperators.F2D;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.XOR;
import static org.sparkbatchnorm.statistics.VectorLanes.BYTES;
import static org.sparkbatchnorm.statistics.VectorLanes.DOUBLES;
import static org.sparkbatchnorm.statistics.VectorLanes.L;
import static org.sparkbatchnorm.statistics.VectorLanes.LONGS;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;

/**
 * {@link CertifiedLoops#wide}: a level more than the narrow loop, for values whose magnitudes
 * differ by up to 2^47 and more. Its S, Q and R are the narrow loop's. The letters are those of
 * {@link LaneSums}.
 */
final class VectorWideLoop {
  private VectorWideLoop() {}

  static int sum(byte[] values, int origin, Piece piece, LaneSums lanes) {
    LaneLevels levels = lanes.levels;
    long[] sums = lanes.sums;
    long[] rests = lanes.rests;
    int[] pieces = lanes.pieces;
    double[] windows = lanes.windows;
    int base = origin + Float.BYTES * piece.base;
    int stride = Float.BYTES * piece.stride;
    int slot = piece.slot;
    int slots = piece.slots;
    int slotStride = Float.BYTES * piece.slotStride;
    IntVector mask = VectorLanes.intMask(piece.tail);
    int length = (piece.steps - 1) * stride;
    for (int k = 0; k < slots; k++) {
      if (pieces[slot] >= levels.mostPieces + LaneSums.RESERVED) {
        return k;
      }
      double w = windows[slot];
      double w2 = w * w;
      DoubleVector s1 = DoubleVector.broadcast(DOUBLES, w * LaneSums.SUM_BIAS);
      DoubleVector q1 = DoubleVector.broadcast(DOUBLES, w2);
      DoubleVector r1 = DoubleVector.broadcast(DOUBLES, w2 * levels.squareRestBias);
      DoubleVector y1 = DoubleVector.broadcast(DOUBLES, w * levels.restBias);
      DoubleVector t1 = DoubleVector.broadcast(DOUBLES, w2 * levels.squareLastBias);
      DoubleVector s2 = s1;
      DoubleVector q2 = q1;
      DoubleVector r2 = r1;
      DoubleVector y2 = y1;
      DoubleVector t2 = t1;
      LongVector c = LongVector.zero(LONGS);
      int last = base + length;
      int i = base;
      for (; i < last - stride; i += 2 * stride) {
        {
          DoubleVector x =
              (DoubleVector)
                  ByteVector.fromArray(BYTES, values, i)
                      .reinterpretAsFloats()
                      .convertShape(F2D, DOUBLES, 0);
          // In M's binade, by h as in the narrow loop: d is exact, and so is y, the error of that
          // sum,
          // at most 2^-49 W. c: y + A1 is exact, so that y and x are multiples of ulp(A1) = 2^-70
          // W.
          DoubleVector f = s1.add(x);
          DoubleVector y = x.sub(f.sub(s1));
          s1 = f;
          DoubleVector e = y1.add(y);
          c = c.or(e.sub(y1).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
          y1 = e;
          // p is the error of q, and z that of r: a multiple of 2^-140 W^2 = ulp(M2), as x^2 is,
          // and at
          // most 2^-97 W^2, so that t is exact.
          DoubleVector g = x.fma(x, q1);
          DoubleVector p = x.fma(x, q1.sub(g));
          q1 = g;
          DoubleVector d = r1.add(p);
          t1 = t1.add(p.sub(d.sub(r1)));
          r1 = d;
        }
        {
          DoubleVector x =
              (DoubleVector)
                  ByteVector.fromArray(BYTES, values, i + stride)
                      .reinterpretAsFloats()
                      .convertShape(F2D, DOUBLES, 0);
          DoubleVector f = s2.add(x);
          DoubleVector y = x.sub(f.sub(s2));
          s2 = f;
          DoubleVector e = y2.add(y);
          c = c.or(e.sub(y2).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
          y2 = e;
          DoubleVector g = x.fma(x, q2);
          DoubleVector p = x.fma(x, q2.sub(g));
          q2 = g;
          DoubleVector d = r2.add(p);
          t2 = t2.add(p.sub(d.sub(r2)));
          r2 = d;
        }
      }
      if (i < last) {
        DoubleVector x =
            (DoubleVector)
                ByteVector.fromArray(BYTES, values, i)
                    .reinterpretAsFloats()
                    .convertShape(F2D, DOUBLES, 0);
        DoubleVector f = s1.add(x);
        DoubleVector y = x.sub(f.sub(s1));
        s1 = f;
        DoubleVector e = y1.add(y);
        c = c.or(e.sub(y1).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
        y1 = e;
        DoubleVector g = x.fma(x, q1);
        DoubleVector p = x.fma(x, q1.sub(g));
        q1 = g;
        DoubleVector d = r1.add(p);
        t1 = t1.add(p.sub(d.sub(r1)));
        r1 = d;
      }
      {
        DoubleVector x =
            (DoubleVector)
                ByteVector.fromArray(BYTES, values, last)
                    .reinterpretAsInts()
                    .and(mask)
                    .viewAsFloatingLanes()
                    .convertShape(F2D, DOUBLES, 0);
        DoubleVector f = s2.add(x);
        DoubleVector y = x.sub(f.sub(s2));
        s2 = f;
        DoubleVector e = y2.add(y);
        c = c.or(e.sub(y2).viewAsIntegralLanes().lanewise(XOR, y.viewAsIntegralLanes()));
        y2 = e;
        DoubleVector g = x.fma(x, q2);
        DoubleVector p = x.fma(x, q2.sub(g));
        q2 = g;
        DoubleVector d = r2.add(p);
        t2 = t2.add(p.sub(d.sub(r2)));
        r2 = d;
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
      LongVector.fromArray(LONGS, sums, at)
          .add(s1.viewAsIntegralLanes())
          .add(s2.viewAsIntegralLanes())
          .intoArray(sums, at);
      LongVector.fromArray(LONGS, sums, at + L)
          .add(q1.viewAsIntegralLanes())
          .add(q2.viewAsIntegralLanes())
          .intoArray(sums, at + L);
      LongVector.fromArray(LONGS, sums, at + 2 * L)
          .add(r1.viewAsIntegralLanes())
          .add(r2.viewAsIntegralLanes())
          .intoArray(sums, at + 2 * L);
      LongVector.fromArray(LONGS, rests, restAt)
          .add(y1.viewAsIntegralLanes())
          .add(y2.viewAsIntegralLanes())
          .intoArray(rests, restAt);
      LongVector.fromArray(LONGS, rests, restAt + L)
          .add(t1.viewAsIntegralLanes())
          .add(t2.viewAsIntegralLanes())
          .intoArray(rests, restAt + L);
      lanes.widePieces[slot]++;
      pieces[slot]++;
      base += slotStride;
      slot++;
    }
    return slots;
  }
}
