package org.sparkbatchnorm.kernel;

import static jdk.incubator.vector.VectorOperators.D2F;
import static jdk.incubator.vector.VectorOperators.F2D;
import static org.sparkbatchnorm.statistics.VectorLanes.DOUBLES;
import static org.sparkbatchnorm.statistics.VectorLanes.FLOATS;
import static org.sparkbatchnorm.statistics.VectorLanes.L;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/** The loops of {@link NormalizationLoops} over floats, each a double in between. */
final class VectorFloats {
  private static final VarHandle FLOAT =
      MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.nativeOrder());

  private VectorFloats() {}

  static void run(
      float[] input, float[] output, int from, int to, double mean, double scale, double beta) {
    DoubleVector m = DoubleVector.broadcast(DOUBLES, mean);
    DoubleVector s = DoubleVector.broadcast(DOUBLES, scale);
    DoubleVector b = DoubleVector.broadcast(DOUBLES, beta);
    int end = to - (to - from) % L;
    int i = from;
    for (; i < end; i += L) {
      ((FloatVector)
              ((DoubleVector) FloatVector.fromArray(FLOATS, input, i).convertShape(F2D, DOUBLES, 0))
                  .sub(m)
                  .mul(s)
                  .add(b)
                  .convertShape(D2F, FLOATS, 0))
          .intoArray(output, i);
    }
    for (; i < to; i++) {
      output[i] = (float) ((input[i] - mean) * scale + beta);
    }
  }

  static void places(
      float[] input, float[] output, int from, int to, ChannelCycle cycle, int firstPlace) {
    double[] mean = cycle.places.mean;
    double[] scale = cycle.places.scale;
    double[] beta = cycle.places.beta;
    int period = cycle.period;
    int step = cycle.step;
    int place = firstPlace;
    int end = to - (to - from) % L;
    int i = from;
    for (; i < end; i += L) {
      ((FloatVector)
              ((DoubleVector) FloatVector.fromArray(FLOATS, input, i).convertShape(F2D, DOUBLES, 0))
                  .sub(DoubleVector.fromArray(DOUBLES, mean, place))
                  .mul(DoubleVector.fromArray(DOUBLES, scale, place))
                  .add(DoubleVector.fromArray(DOUBLES, beta, place))
                  .convertShape(D2F, FLOATS, 0))
          .intoArray(output, i);
      place += step;
      if (place >= period) {
        place -= period;
      }
    }
    // Less than a vector, for which the tables go on behind the period.
    for (; i < to; i++, place++) {
      output[i] = (float) ((input[i] - mean[place]) * scale[place] + beta[place]);
    }
  }

  /**
   * Parameters in registers, of which 512-bit vectors have 32: read from memory with every element
   * they were what took the time.
   */
  static void tile(
      float[] input, float[] output, int from, int periods, ChannelCycle cycle, int place) {
    double[] mean = cycle.places.mean;
    double[] scale = cycle.places.scale;
    double[] beta = cycle.places.beta;
    int period = cycle.period;
    DoubleVector m0 = DoubleVector.fromArray(DOUBLES, mean, place + 0 * L);
    DoubleVector s0 = DoubleVector.fromArray(DOUBLES, scale, place + 0 * L);
    DoubleVector b0 = DoubleVector.fromArray(DOUBLES, beta, place + 0 * L);
    DoubleVector m1 = DoubleVector.fromArray(DOUBLES, mean, place + 1 * L);
    DoubleVector s1 = DoubleVector.fromArray(DOUBLES, scale, place + 1 * L);
    DoubleVector b1 = DoubleVector.fromArray(DOUBLES, beta, place + 1 * L);
    DoubleVector m2 = DoubleVector.fromArray(DOUBLES, mean, place + 2 * L);
    DoubleVector s2 = DoubleVector.fromArray(DOUBLES, scale, place + 2 * L);
    DoubleVector b2 = DoubleVector.fromArray(DOUBLES, beta, place + 2 * L);
    DoubleVector m3 = DoubleVector.fromArray(DOUBLES, mean, place + 3 * L);
    DoubleVector s3 = DoubleVector.fromArray(DOUBLES, scale, place + 3 * L);
    DoubleVector b3 = DoubleVector.fromArray(DOUBLES, beta, place + 3 * L);
    DoubleVector m4 = DoubleVector.fromArray(DOUBLES, mean, place + 4 * L);
    DoubleVector s4 = DoubleVector.fromArray(DOUBLES, scale, place + 4 * L);
    DoubleVector b4 = DoubleVector.fromArray(DOUBLES, beta, place + 4 * L);
    DoubleVector m5 = DoubleVector.fromArray(DOUBLES, mean, place + 5 * L);
    DoubleVector s5 = DoubleVector.fromArray(DOUBLES, scale, place + 5 * L);
    DoubleVector b5 = DoubleVector.fromArray(DOUBLES, beta, place + 5 * L);
    DoubleVector m6 = DoubleVector.fromArray(DOUBLES, mean, place + 6 * L);
    DoubleVector s6 = DoubleVector.fromArray(DOUBLES, scale, place + 6 * L);
    DoubleVector b6 = DoubleVector.fromArray(DOUBLES, beta, place + 6 * L);
    DoubleVector m7 = DoubleVector.fromArray(DOUBLES, mean, place + 7 * L);
    DoubleVector s7 = DoubleVector.fromArray(DOUBLES, scale, place + 7 * L);
    DoubleVector b7 = DoubleVector.fromArray(DOUBLES, beta, place + 7 * L);
    int end = from + periods * period;
    for (int i = from; i < end; i += period) {
      ((FloatVector)
              ((DoubleVector)
                      FloatVector.fromArray(FLOATS, input, i + 0 * L).convertShape(F2D, DOUBLES, 0))
                  .sub(m0)
                  .mul(s0)
                  .add(b0)
                  .convertShape(D2F, FLOATS, 0))
          .intoArray(output, i + 0 * L);
      ((FloatVector)
              ((DoubleVector)
                      FloatVector.fromArray(FLOATS, input, i + 1 * L).convertShape(F2D, DOUBLES, 0))
                  .sub(m1)
                  .mul(s1)
                  .add(b1)
                  .convertShape(D2F, FLOATS, 0))
          .intoArray(output, i + 1 * L);
      ((FloatVector)
              ((DoubleVector)
                      FloatVector.fromArray(FLOATS, input, i + 2 * L).convertShape(F2D, DOUBLES, 0))
                  .sub(m2)
                  .mul(s2)
                  .add(b2)
                  .convertShape(D2F, FLOATS, 0))
          .intoArray(output, i + 2 * L);
      ((FloatVector)
              ((DoubleVector)
                      FloatVector.fromArray(FLOATS, input, i + 3 * L).convertShape(F2D, DOUBLES, 0))
                  .sub(m3)
                  .mul(s3)
                  .add(b3)
                  .convertShape(D2F, FLOATS, 0))
          .intoArray(output, i + 3 * L);
      ((FloatVector)
              ((DoubleVector)
                      FloatVector.fromArray(FLOATS, input, i + 4 * L).convertShape(F2D, DOUBLES, 0))
                  .sub(m4)
                  .mul(s4)
                  .add(b4)
                  .convertShape(D2F, FLOATS, 0))
          .intoArray(output, i + 4 * L);
      ((FloatVector)
              ((DoubleVector)
                      FloatVector.fromArray(FLOATS, input, i + 5 * L).convertShape(F2D, DOUBLES, 0))
                  .sub(m5)
                  .mul(s5)
                  .add(b5)
                  .convertShape(D2F, FLOATS, 0))
          .intoArray(output, i + 5 * L);
      ((FloatVector)
              ((DoubleVector)
                      FloatVector.fromArray(FLOATS, input, i + 6 * L).convertShape(F2D, DOUBLES, 0))
                  .sub(m6)
                  .mul(s6)
                  .add(b6)
                  .convertShape(D2F, FLOATS, 0))
          .intoArray(output, i + 6 * L);
      ((FloatVector)
              ((DoubleVector)
                      FloatVector.fromArray(FLOATS, input, i + 7 * L).convertShape(F2D, DOUBLES, 0))
                  .sub(m7)
                  .mul(s7)
                  .add(b7)
                  .convertShape(D2F, FLOATS, 0))
          .intoArray(output, i + 7 * L);
    }
  }

  static void copy(float[] values, int from, byte[] bytes, int count) {
    int end = count - count % L;
    for (int i = 0; i < end; i += L) {
      FloatVector.fromArray(FLOATS, values, from + i)
          .reinterpretAsBytes()
          .intoArray(bytes, Float.BYTES * i);
    }
    for (int i = end; i < count; i++) {
      FLOAT.set(bytes, Float.BYTES * i, values[from + i]);
    }
  }
}
