package org.sparkbatchnorm.statistics;

import java.lang.reflect.Constructor;

/** The vector loops, and how often they took a slot: which way did the values go? */
final class CountingLoops implements CertifiedLoops {
  private final CertifiedLoops loops;
  long slotsTaken;
  long slotsTakenWide;
  long slotsRefused;

  CountingLoops() {
    this(vectorLoops());
  }

  CountingLoops(CertifiedLoops loops) {
    this.loops = loops;
  }

  /** By name: javac does not see the incubating module. */
  static CertifiedLoops vectorLoops() {
    try {
      Constructor<?> constructor =
          Class.forName("org.sparkbatchnorm.statistics.VectorLoops").getDeclaredConstructor();
      return (CertifiedLoops) constructor.newInstance();
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }

  @Override
  public int lanes() {
    return loops.lanes();
  }

  @Override
  public int narrow(byte[] values, int origin, Piece piece, LaneSums sums) {
    return count(piece, sums, loops.narrow(values, origin, piece, sums));
  }

  @Override
  public int wide(byte[] values, int origin, Piece piece, LaneSums sums) {
    int taken = count(piece, sums, loops.wide(values, origin, piece, sums));
    slotsTakenWide += taken;
    return taken;
  }

  @Override
  public int binary64(double[] values, Piece piece, LaneSums sums) {
    return count(piece, sums, loops.binary64(values, piece, sums));
  }

  private int count(Piece piece, LaneSums sums, int taken) {
    slotsTaken += taken;
    if (taken < piece.slots && sums.pieces[piece.slot + taken] < LaneSums.RESERVED) {
      slotsRefused++;
    }
    return taken;
  }

  @Override
  public boolean ofBinary16(short[] bits, byte[] values, int from, int count) {
    return loops.ofBinary16(bits, values, from, count);
  }

  @Override
  public void ofBfloat16(short[] bits, byte[] values, int from, int count) {
    loops.ofBfloat16(bits, values, from, count);
  }
}
