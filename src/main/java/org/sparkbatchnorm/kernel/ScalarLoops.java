package org.sparkbatchnorm.kernel;

/**
 * The arithmetic of evaluation, {@code y = (x - mean) * scale + beta} in double, one element after
 * the other. Every element is rounded the same way whatever loop it falls into, and never fused (no
 * {@code Math.fma}), so that results do not depend on how an array was cut. Immutable; trusts its
 * caller.
 */
final class ScalarLoops {
  private final double[] mean;
  private final double[] scale;
  private final double[] beta;

  /** Keeps the arrays, which have one value per channel. */
  ScalarLoops(double[] mean, double[] scale, double[] beta) {
    this.mean = mean;
    this.scale = scale;
    this.beta = beta;
  }

  /** Elements {@code from} to {@code to} (exclusive), all of one channel. */
  void oneChannel(double[] input, double[] output, int from, int to, int channel) {
    double m = mean[channel];
    double s = scale[channel];
    double b = beta[channel];
    for (int i = from; i < to; i++) {
      output[i] = (input[i] - m) * s + b;
    }
  }

  /** The first {@code count} elements, each of the channel after its predecessor's. */
  void cyclingChannels(double[] input, double[] output, int count, int firstChannel) {
    double[] m = mean;
    double[] s = scale;
    double[] b = beta;
    int channel = firstChannel;
    int row = 0;
    while (row < count) {
      int length = Math.min(m.length - channel, count - row);
      for (int i = 0; i < length; i++) {
        output[row + i] = (input[row + i] - m[channel + i]) * s[channel + i] + b[channel + i];
      }
      row += length;
      channel = 0;
    }
  }
}
