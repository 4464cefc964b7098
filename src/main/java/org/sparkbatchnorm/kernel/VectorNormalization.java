package org.sparkbatchnorm.kernel;

import org.sparkbatchnorm.statistics.VectorLanes;
import org.sparkbatchnorm.tensor.DType;

/**
 * {@link NormalizationLoops} of the module {@code jdk.incubator.vector}. Loaded by name, and only
 * where that module is there: {@link NormalizationKernels}.
 */
final class VectorNormalization implements NormalizationLoops {
  @Override
  public int lanes() {
    return VectorLanes.L;
  }

  @Override
  public void run(
      float[] input, float[] output, int from, int to, double mean, double scale, double beta) {
    VectorFloats.run(input, output, from, to, mean, scale, beta);
  }

  @Override
  public void run(
      double[] input, double[] output, int from, int to, double mean, double scale, double beta) {
    VectorDoubles.run(input, output, from, to, mean, scale, beta);
  }

  @Override
  public void places(
      float[] input, float[] output, int from, int to, ChannelCycle cycle, int firstPlace) {
    VectorFloats.places(input, output, from, to, cycle, firstPlace);
  }

  @Override
  public void places(
      double[] input, double[] output, int from, int to, ChannelCycle cycle, int firstPlace) {
    VectorDoubles.places(input, output, from, to, cycle, firstPlace);
  }

  @Override
  public void tile(
      float[] input, float[] output, int from, int periods, ChannelCycle cycle, int place) {
    VectorFloats.tile(input, output, from, periods, cycle, place);
  }

  @Override
  public void copy(float[] values, int from, byte[] bytes, int count) {
    VectorFloats.copy(values, from, bytes, count);
  }

  @Override
  public void widen(DType half, short[] bits, double[] values, int count) {
    int done =
        half == DType.F16
            ? VectorHalves.ofBinary16(bits, values, count)
            : VectorHalves.ofBfloat16(bits, values, count);
    ScalarNormalization.widen(half, bits, values, done, count);
  }

  @Override
  public void narrow(DType half, double[] values, short[] bits, int count) {
    int done =
        half == DType.F16
            ? VectorHalves.toBinary16(values, bits, count)
            : VectorHalves.toBfloat16(values, bits, count);
    ScalarNormalization.narrow(half, values, bits, done, count);
  }
}
