package org.sparkbatchnorm.kernel;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * A BatchNorm layer in evaluation (inference), the function of arXiv 1502.03167, Algorithm 2, line
 * 11, before it is folded:
 *
 * <pre>{@code y = gamma * (x - mean) / sqrt(variance + epsilon) + beta}</pre>
 *
 * <p>All arithmetic is in double, one rounding to the element type at the end. <b>Accuracy</b>,
 * against exact arithmetic on the doubles that the parameters are, with {@code p = y - beta} the
 * exact normalized value and {@code u = 2^-53}:
 *
 * <pre>{@code |computed - y| <= ulp(y)/2 + 5u|p| + u|y|      F32, F16, BF16: ulp of that type
 * |computed - y| <= ulp(y)/2 + 5u|p|               F64: 5.5 ulp where |p| <= |y|}</pre>
 *
 * <p>so that a float is within 1 ulp unless {@code |y| < 2^-25 |p|}, that is, unless beta cancels
 * the first 25 bits of p. It holds for every finite x, where no parameter is NaN or infinite and
 * the scale {@code gamma / sqrt(variance + epsilon)} is a normal double (or gamma is 0), as it is
 * for parameters that came from floats. F64 needs in addition that p neither overflows nor
 * underflows.
 *
 * <p>NaN gives NaN, an infinite x an infinite y (NaN where gamma is 0 or the variance infinite), as
 * IEEE 754 has it; what exceeds the element type is infinite. Immutable and thread-safe. An element
 * has the same result, bit for bit, in every layout and however an array is cut into blocks.
 */
public final class BatchNorm {
  /** Elements held as doubles at one time: 8 KiB, a part of the first-level cache. */
  private static final int SCRATCH_ELEMENTS = 1024;

  private final int channels;
  private final ScalarLoops loops;

  private BatchNorm(int channels, ScalarLoops loops) {
    this.channels = channels;
    this.loops = loops;
  }

  /**
   * The evaluation of a layer with these parameters.
   *
   * @throws IllegalArgumentException if {@code gamma / sqrt(variance + epsilon)} overflows
   */
  public static BatchNorm eval(BatchNormParameters parameters) {
    return of(
        parameters.mean(),
        parameters.variance(),
        parameters.epsilon(),
        parameters.gamma(),
        parameters.beta());
  }

  /**
   * A layer in training, with this convention's epsilon and momentum, without scale and shift; its
   * running statistics are no part of it.
   */
  public static BatchNormTraining train(Convention convention) {
    return BatchNormTraining.of(convention);
  }

  /**
   * The same as {@link #eval}, with a mean and variance that may be NaN. Keeps the arrays.
   *
   * @throws IllegalArgumentException if {@code gamma / sqrt(variance + epsilon)} overflows
   */
  static BatchNorm of(
      double[] mean,
      double[] variance,
      double epsilon,
      Optional<double[]> gamma,
      Optional<double[]> beta) {
    return new BatchNorm(
        mean.length,
        new ScalarLoops(
            mean,
            scale(gamma.orElseGet(() -> constant(1, mean.length)), variance, epsilon),
            beta.orElseGet(() -> constant(0, mean.length))));
  }

  /**
   * One multiplier per channel, decided once.
   *
   * <p>Why a float is then within 1 ulp. A double operation has a relative error of at most u =
   * 2^-53. The scale: u from the sum, halved by the square root, u from the square root, u from the
   * division, together 2.5u. The difference x - mean: u, since both are exact. Their product: u
   * more, 4.5u in all, and less than 5u with the terms in u^2. Adding beta: u|y| more. So the
   * double before the last rounding is within 5u|p| + u|y| of y, and the last rounding adds half an
   * ulp of a float. An ulp of a float is at least 2^-24 |y|, so all is within 1 ulp while 5u|p| +
   * u|y| <= 2^-25 |y|, for which |p| <= 2^25 |y| is enough: 5 * 2^-28 + 2^-53 < 2^-25. Nothing
   * overflows on the way: float parameters have |x - mean| <= 2^129, |scale| <= 2^128 / 2^-75; what
   * underflows is below 2^-1022, nothing beside a float's smallest ulp of 2^-149.
   */
  private static double[] scale(double[] gamma, double[] variance, double epsilon) {
    double[] scale = new double[gamma.length];
    for (int channel = 0; channel < scale.length; channel++) {
      scale[channel] = gamma[channel] / Math.sqrt(variance[channel] + epsilon);
      if (Double.isInfinite(scale[channel]) && Double.isFinite(gamma[channel])) {
        throw new IllegalArgumentException(
            "scale of channel "
                + channel
                + " exceeds a double: gamma "
                + gamma[channel]
                + ", variance "
                + variance[channel]
                + ", epsilon "
                + epsilon);
      }
    }
    return scale;
  }

  private static double[] constant(double value, int length) {
    double[] values = new double[length];
    Arrays.fill(values, value);
    return values;
  }

  /**
   * Normalizes an array in row-major order.
   *
   * @param input its elements
   * @param output where the results go, of the same length; may be {@code input} itself
   * @param shape its axes
   * @param layout which axis holds the channels
   * @throws IllegalArgumentException if the shape does not fit the layout, has another number of
   *     channels than the layer, or another number of elements than an array
   */
  public void apply(float[] input, float[] output, Shape shape, ChannelLayout layout) {
    ChannelView view = layout.view(shape, ElementOrder.ROW_MAJOR);
    requireChannels(view);
    requireElements("input", input.length, shape);
    requireElements("output", output.length, shape);
    double[] values = new double[Math.min(input.length, SCRATCH_ELEMENTS)];
    int done = 0;
    while (done < input.length) {
      int count = Math.min(values.length, input.length - done);
      // Three loops: what HotSpot 17 makes of one that converts both ways was measured at 0.5 or
      // 3.4 ns per element, by the accident of what was compiled before; these take 0.5.
      for (int i = 0; i < count; i++) {
        values[i] = input[done + i];
      }
      normalize(values, values, count, view, done);
      for (int i = 0; i < count; i++) {
        output[done + i] = (float) values[i];
      }
      done += count;
    }
  }

  /** The same for doubles. */
  public void apply(double[] input, double[] output, Shape shape, ChannelLayout layout) {
    ChannelView view = layout.view(shape, ElementOrder.ROW_MAJOR);
    requireChannels(view);
    requireElements("input", input.length, shape);
    requireElements("output", output.length, shape);
    normalize(input, output, input.length, view, 0);
  }

  /**
   * Normalizes consecutive elements from anywhere inside an array. Holds 8 KiB besides.
   *
   * @param block the elements, whose buffer is left as it is
   * @param output where the results go, from its position on, which moves past them: elements of
   *     the block's type in this buffer's byte order. It may share the block's bytes if the first
   *     element is at the same place in both
   * @throws IllegalArgumentException if the elements are integers, the array has another number of
   *     channels than the layer, or the output is too short
   */
  public void apply(TensorBlock block, ByteBuffer output) {
    DType dtype = block.dtype();
    if (!dtype.isFloating()) {
      throw new IllegalArgumentException(
          "cannot normalize elements of type " + dtype + ", which is not a floating-point type");
    }
    requireChannels(block.view());
    int elements = block.elements();
    int room = output.remaining() / dtype.bytes();
    if (room < elements) {
      throw new IllegalArgumentException(
          "output has room for " + room + " elements, but the block has " + elements);
    }
    ByteBuffer bytes = block.bytes().duplicate().order(block.bytes().order());
    double[] values = new double[Math.min(elements, SCRATCH_ELEMENTS)];
    int done = 0;
    while (done < elements) {
      int count = Math.min(values.length, elements - done);
      Elements.decode(dtype, bytes, values, count);
      bytes.position(bytes.position() + count * dtype.bytes());
      normalize(values, values, count, block.view(), block.firstElement() + done);
      Elements.encode(dtype, values, count, output);
      done += count;
    }
  }

  private void normalize(
      double[] input, double[] output, int count, ChannelView view, long firstElement) {
    if (cyclesChannels(view)) {
      loops.cyclingChannels(input, output, count, (int) (firstElement % channels));
    } else {
      forEachRun(
          view,
          firstElement,
          count,
          (from, to, channel) -> loops.oneChannel(input, output, from, to, channel));
    }
  }

  private static boolean cyclesChannels(ChannelView view) {
    return view.inner() == 1 && view.channels() > 1;
  }

  private interface Run {
    void apply(int from, int to, int channel);
  }

  /** Cuts {@code count} elements where the channel changes. */
  private static void forEachRun(ChannelView view, long firstElement, int count, Run run) {
    if (count == 0) {
      return;
    }
    long inner = view.channels() == 1 ? view.elements() : view.inner();
    int channel = (int) (firstElement / inner % view.channels());
    long left = inner - firstElement % inner;
    int from = 0;
    while (from < count) {
      int to = from + (int) Math.min(left, count - from);
      run.apply(from, to, channel);
      from = to;
      left = inner;
      channel = channel + 1 == view.channels() ? 0 : channel + 1;
    }
  }

  /**
   * Checks that an array can be normalized, before any of it is read.
   *
   * @throws IllegalArgumentException if it has another number of channels than the layer
   */
  public void requireChannels(ChannelView view) {
    if (view.channels() != channels) {
      throw new IllegalArgumentException(
          "running_mean should contain " + view.channels() + " elements not " + channels);
    }
  }

  static void requireElements(String what, int length, Shape shape) {
    if (length != shape.elements()) {
      throw new IllegalArgumentException(
          what + " has " + length + " elements, but shape " + shape + " has " + shape.elements());
    }
  }
}
