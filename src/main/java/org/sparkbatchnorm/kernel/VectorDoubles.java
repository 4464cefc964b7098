package org.sparkbatchnorm.kernel;

import static org.sparkbatchnorm.statistics.VectorLanes.DOUBLES;
import static org.sparkbatchnorm.statistics.VectorLanes.L;

import jdk.incubator.vector.DoubleVector;

/** The loops of {@link NormalizationLoops} over doubles. */
final class VectorDoubles {
  private VectorDoubles() {}

  static void run(
      double[] input, double[] output, int from, int to, double mean, double scale, double beta) {
    DoubleVector m = DoubleVector.broadcast(DOUBLES, mean);
    DoubleVector s = DoubleVector.broadcast(DOUBLES, scale);
    DoubleVector b = DoubleVector.broadcast(DOUBLES, beta);
    int end = to - (to - from) % L;
    int i = from;
    for (; i < end; i += L) {
      DoubleVector.fromArray(DOUBLES, input, i).sub(m).mul(s).add(b).intoArray(output, i);
    }
    for (; i < to; i++) {
      output[i] = (input[i] - mean) * scale + beta;
    }
  }

  static void places(
      double[] input, double[] output, int from, int to, ChannelCycle cycle, int firstPlace) {
    double[] mean = cycle.places.mean;
    double[] scale = cycle.places.scale;
    double[] beta = cycle.places.beta;
    int period = cycle.period;
    int step = cycle.step;
    int place = firstPlace;
    int end = to - (to - from) % L;
    int i = from;
    for (; i < end; i += L) {
      DoubleVector.fromArray(DOUBLES, input, i)
          .sub(DoubleVector.fromArray(DOUBLES, mean, place))
          .mul(DoubleVector.fromArray(DOUBLES, scale, place))
          .add(DoubleVector.fromArray(DOUBLES, beta, place))
          .intoArray(output, i);
      place += step;
      if (place >= period) {
        place -= period;
      }
    }
    // Less than a vector, for which the tables go on behind the period.
    for (; i < to; i++, place++) {
      output[i] = (input[i] - mean[place]) * scale[place] + beta[place];
    }
  }
}
