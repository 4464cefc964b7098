package org.sparkbatchnorm.kernel;

import java.nio.ByteBuffer;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
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
 * has the same result, bit for bit, in every layout, however an array is cut into blocks, and by
 * whichever kernel ({@link NormalizationKernels}).
 */
public final class BatchNorm {
  private final int channels;
  private final Normalization normalization;

  private BatchNorm(int channels, Normalization normalization) {
    this.channels = channels;
    this.normalization = normalization;
  }

  /**
   * The evaluation of a layer with these parameters.
   *
   * @throws IllegalArgumentException if {@code gamma / sqrt(variance + epsilon)} overflows
   * @throws IllegalStateException if a kernel is forced that this JVM cannot run
   */
  public static BatchNorm eval(BatchNormParameters parameters) {
    return eval(parameters, NormalizationKernels.ofThisJvm());
  }

  /**
   * The same with a chosen kernel; all give the same bits.
   *
   * @throws IllegalArgumentException if {@code gamma / sqrt(variance + epsilon)} overflows
   */
  public static BatchNorm eval(BatchNormParameters parameters, NormalizationKernels kernels) {
    return of(
        ChannelParameters.of(
            parameters.mean(),
            parameters.variance(),
            parameters.epsilon(),
            parameters.gamma(),
            parameters.beta()),
        kernels);
  }

  /**
   * A layer in training, with this convention's epsilon and momentum, without scale and shift; its
   * running statistics are no part of it.
   *
   * @throws IllegalStateException if a kernel is forced that this JVM cannot run
   */
  public static BatchNormTraining train(Convention convention) {
    return train(convention, NormalizationKernels.ofThisJvm());
  }

  /** The same with a chosen kernel; all give the same bits. */
  public static BatchNormTraining train(Convention convention, NormalizationKernels kernels) {
    return BatchNormTraining.of(convention, kernels);
  }

  /** Normalization with these parameters. */
  static BatchNorm of(ChannelParameters parameters, NormalizationKernels kernels) {
    return new BatchNorm(parameters.channels(), kernels.normalization(parameters));
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
    ChannelView view = view(shape, layout, input.length, output.length);
    normalization.apply(input, output, 0, input.length, view, 0);
  }

  /** The same for doubles. */
  public void apply(double[] input, double[] output, Shape shape, ChannelLayout layout) {
    ChannelView view = view(shape, layout, input.length, output.length);
    normalization.apply(input, output, 0, input.length, view, 0);
  }

  /**
   * Normalizes consecutive elements from anywhere inside an array. Holds some 16 KiB besides.
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
    new BlockNormalization(normalization, block, output).run();
  }

  private ChannelView view(Shape shape, ChannelLayout layout, int inputs, int outputs) {
    ChannelView view = layout.view(shape, ElementOrder.ROW_MAJOR);
    requireChannels(view);
    requireElements("input", inputs, shape);
    requireElements("output", outputs, shape);
    return view;
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
