package org.sparkbatchnorm.kernel;

import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Half;

/** {@link Normalization}, one element after the other. */
final class ScalarNormalization implements Normalization {
  /** Elements held as doubles at one time: 8 KiB, a part of the first-level cache. */
  private static final int SCRATCH_ELEMENTS = 1024;

  private final ChannelParameters parameters;

  ScalarNormalization(ChannelParameters parameters) {
    this.parameters = parameters;
  }

  @Override
  public void apply(float[] input, float[] output, int from, int to, ChannelView view, long first) {
    double[] values = new double[Math.min(to - from, SCRATCH_ELEMENTS)];
    int done = from;
    while (done < to) {
      int count = Math.min(values.length, to - done);
      // Three loops: what HotSpot 17 makes of one that converts both ways was measured at 0.5 or
      // 3.4 ns per element, by the accident of what was compiled before; these take 0.5.
      for (int i = 0; i < count; i++) {
        values[i] = input[done + i];
      }
      apply(values, values, 0, count, view, first + (done - from));
      for (int i = 0; i < count; i++) {
        output[done + i] = (float) values[i];
      }
      done += count;
    }
  }

  @Override
  public void apply(
      double[] input, double[] output, int from, int to, ChannelView view, long first) {
    if (from == to) {
      return;
    }
    if (view.inner() == 1) {
      cyclingChannels(input, output, from, to, (int) (first % view.channels()));
      return;
    }
    ChannelRows rows = new ChannelRows(view, first, from, to);
    while (rows.next()) {
      oneChannel(input, output, rows.from(), rows.to(), rows.channel());
    }
  }

  private void oneChannel(double[] input, double[] output, int from, int to, int channel) {
    double m = parameters.mean[channel];
    double s = parameters.scale[channel];
    double b = parameters.beta[channel];
    for (int i = from; i < to; i++) {
      output[i] = (input[i] - m) * s + b;
    }
  }

  /** Each element of the channel after its predecessor's. */
  private void cyclingChannels(
      double[] input, double[] output, int from, int to, int firstChannel) {
    double[] m = parameters.mean;
    double[] s = parameters.scale;
    double[] b = parameters.beta;
    int channel = firstChannel;
    int row = from;
    while (row < to) {
      int length = Math.min(m.length - channel, to - row);
      for (int i = 0; i < length; i++) {
        output[row + i] = (input[row + i] - m[channel + i]) * s[channel + i] + b[channel + i];
      }
      row += length;
      channel = 0;
    }
  }

  @Override
  public void widen(DType half, short[] bits, double[] values, int count) {
    widen(half, bits, values, 0, count);
  }

  /** The same of values {@code from} to {@code to} (exclusive). */
  static void widen(DType half, short[] bits, double[] values, int from, int to) {
    if (half == DType.F16) {
      for (int i = from; i < to; i++) {
        values[i] = Half.ofBinary16(bits[i]);
      }
    } else {
      for (int i = from; i < to; i++) {
        values[i] = Half.ofBfloat16(bits[i]);
      }
    }
  }

  @Override
  public void narrow(DType half, double[] values, short[] bits, int count) {
    narrow(half, values, bits, 0, count);
  }

  /** The same of values {@code from} to {@code to} (exclusive). */
  static void narrow(DType half, double[] values, short[] bits, int from, int to) {
    if (half == DType.F16) {
      for (int i = from; i < to; i++) {
        bits[i] = Half.toBinary16(values[i]);
      }
    } else {
      for (int i = from; i < to; i++) {
        bits[i] = Half.toBfloat16(values[i]);
      }
    }
  }
}
