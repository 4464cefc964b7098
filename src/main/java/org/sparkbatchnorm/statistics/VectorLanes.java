package org.sparkbatchnorm.statistics;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The shapes of the vector loops: the machine's widest vector of doubles, and L lanes of everything
 * else. No other shape of these element types may be used anywhere in the JVM: with two of one
 * type, HotSpot 17 loses the exact type and calls the fallback at a hundredth of the speed.
 */
public final class VectorLanes {
  /** The widest doubles. */
  public static final VectorSpecies<Double> DOUBLES = DoubleVector.SPECIES_PREFERRED;

  /** How many they are. */
  public static final int L = DOUBLES.length();

  /** L longs. */
  public static final VectorSpecies<Long> LONGS =
      VectorSpecies.of(long.class, DOUBLES.vectorShape());

  /** L floats. */
  public static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorShape.forBitSize(Float.SIZE * L));

  /** L ints. */
  public static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, FLOATS.vectorShape());

  /** The bytes of L floats. */
  static final VectorSpecies<Byte> BYTES = VectorSpecies.of(byte.class, FLOATS.vectorShape());

  /** L shorts, or null where vectors are not that short. */
  public static final VectorSpecies<Short> SHORTS =
      L < 4 ? null : VectorSpecies.of(short.class, VectorShape.forBitSize(Short.SIZE * L));

  /** For each number of values in a last step, 0 to L, as many ones. */
  private static final int[] INT_MASKS = new int[(L + 1) * L];

  private static final long[] LONG_MASKS = new long[(L + 1) * L];

  static {
    for (int tail = 1; tail <= L; tail++) {
      for (int i = 0; i < tail; i++) {
        INT_MASKS[tail * L + i] = -1;
        LONG_MASKS[tail * L + i] = -1;
      }
    }
  }

  private VectorLanes() {}

  // Masks as integers and not as VectorMask: on 17 a masked load at the end of an array is slow.

  static IntVector intMask(int tail) {
    return IntVector.fromArray(INTS, INT_MASKS, tail * L);
  }

  static LongVector longMask(int tail) {
    return LongVector.fromArray(LONGS, LONG_MASKS, tail * L);
  }
}
