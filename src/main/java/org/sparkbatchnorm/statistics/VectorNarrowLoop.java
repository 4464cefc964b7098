package org.sparkbatchnorm.statistics;

import static jdk.incubator.vector.VectorOperators.F2D;
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
 * {@link CertifiedLoops#narrow}: two levels of a sum of squares, each step exact or found out by
 * the certificate at the end; the sum needs no more than one. The letters are those of {@link
 * LaneSums}.
 *
 * <p>The step stands here four times, as loops are slow in which a vector changes under a condition
 * or passes through a method with others: twice in the loop, once for each accumulator, which also
 * halves the time that a sum waits for the one before; once for what that leaves over, and once,
 * masked, for the last step.
 */
final class VectorNarrowLoop {
  private VectorNarrowLoop() {}

  static int sum(byte[] values, int origin, Piece piece, LaneSums lanes) {
    LaneLevels levels = lanes.levels;
    long[] sums = lanes.sums;
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
      if (pieces[slot] >= levels.mostPieces) {
        return k;
      }
      double w = windows[slot];
      double w2 = w * w;
      DoubleVector m0 = DoubleVector.broadcast(DOUBLES, w2);
      DoubleVector m1 = DoubleVector.broadcast(DOUBLES, w2 * levels.squareRestBias);
      DoubleVector s1 = DoubleVector.zero(DOUBLES);
      DoubleVector s2 = s1;
      DoubleVector q1 = m0;
      DoubleVector q2 = m0;
      DoubleVector r1 = m1;
      DoubleVector r2 = m1;
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
          s1 = s1.add(x);
          // All of an accumulator's q in the binade of M0, [W^2, 2 W^2), which h tells of the last
          // one, as
          // they only grow: then g - q is exact (Sterbenz), and so is r, the error of a sum of two
          // doubles (x^2
          // has 48 bits).
          DoubleVector g = x.fma(x, q1);
          DoubleVector r = x.fma(x, q1.sub(g));
          q1 = g;
          // d - s is exact, as both are in a binade, and a multiple of ulp(M1) = 2^-96 W^2. c: so
          // is r, if it is
          // the same. Then x^2 = g - q + r is such a multiple as well, and x is one of 2^-48 W: an
          // odd multiple
          // of less has a square whose lowest bit is lower. So sums of x below 2^53 * 2^-48 W are
          // exact.
          DoubleVector d = r1.add(r);
          c = c.or(d.sub(r1).viewAsIntegralLanes().lanewise(XOR, r.viewAsIntegralLanes()));
          r1 = d;
        }
        {
          DoubleVector x =
              (DoubleVector)
                  ByteVector.fromArray(BYTES, values, i + stride)
                      .reinterpretAsFloats()
                      .convertShape(F2D, DOUBLES, 0);
          s2 = s2.add(x);
          DoubleVector g = x.fma(x, q2);
          DoubleVector r = x.fma(x, q2.sub(g));
          q2 = g;
          DoubleVector d = r2.add(r);
          c = c.or(d.sub(r2).viewAsIntegralLanes().lanewise(XOR, r.viewAsIntegralLanes()));
          r2 = d;
        }
      }
      if (i < last) {
        DoubleVector x =
            (DoubleVector)
                ByteVector.fromArray(BYTES, values, i)
                    .reinterpretAsFloats()
                    .convertShape(F2D, DOUBLES, 0);
        s1 = s1.add(x);
        DoubleVector g = x.fma(x, q1);
        DoubleVector r = x.fma(x, q1.sub(g));
        q1 = g;
        DoubleVector d = r1.add(r);
        c = c.or(d.sub(r1).viewAsIntegralLanes().lanewise(XOR, r.viewAsIntegralLanes()));
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
        s2 = s2.add(x);
        DoubleVector g = x.fma(x, q2);
        DoubleVector r = x.fma(x, q2.sub(g));
        q2 = g;
        DoubleVector d = r2.add(r);
        c = c.or(d.sub(r2).viewAsIntegralLanes().lanewise(XOR, r.viewAsIntegralLanes()));
        r2 = d;
      }
      LongVector h =
          q1.viewAsIntegralLanes()
              .lanewise(LSHR, 52)
              .or(q2.viewAsIntegralLanes().lanewise(LSHR, 52))
              .sub(Double.doubleToRawLongBits(w2) >>> 52);
      if (c.or(h).compare(NE, 0).anyTrue()) {
        return k;
      }
      // |s| < 8 W, so that s + M is in M's binade and its ulp is 2^-48 W: exact.
      DoubleVector m = DoubleVector.broadcast(DOUBLES, w * LaneSums.SUM_BIAS);
      int at = slot * (LaneSums.NARROW_LEVELS * L);
      LongVector.fromArray(LONGS, sums, at)
          .add(s1.add(m).viewAsIntegralLanes())
          .add(s2.add(m).viewAsIntegralLanes())
          .intoArray(sums, at);
      LongVector.fromArray(LONGS, sums, at + L)
          .add(q1.viewAsIntegralLanes())
          .add(q2.viewAsIntegralLanes())
          .intoArray(sums, at + L);
      LongVector.fromArray(LONGS, sums, at + 2 * L)
          .add(r1.viewAsIntegralLanes())
          .add(r2.viewAsIntegralLanes())
          .intoArray(sums, at + 2 * L);
      pieces[slot]++;
      base += slotStride;
      slot++;
    }
    return slots;
  }
}
