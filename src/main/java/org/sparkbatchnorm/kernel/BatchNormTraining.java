package org.sparkbatchnorm.kernel;

import java.util.Optional;
import java.util.OptionalDouble;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * A BatchNorm layer in training, forward only (arXiv 1502.03167, Algorithm 1): a mini-batch is
 * normalized by its own mean and biased variance, and enters the running statistics, which are
 * given and returned: the layer itself is immutable and thread-safe.
 *
 * <pre>{@code
 * y       = gamma * (x - mean) / sqrt(biased variance + epsilon) + beta
 * running = keep * running + (1 - keep) * (mean; biased or unbiased variance)
 * }</pre>
 *
 * <p>keep and the variance that is added are the {@link Convention}'s; mean and variance of a
 * mini-batch are exact sums, rounded once to double, so that they depend neither on its layout nor
 * on where it is cut. y is computed as in {@link BatchNorm}.
 *
 * <p>Edges, as in PyTorch. A mini-batch without values leaves the running statistics, but counts in
 * {@code num_batches_tracked}. One value per channel is refused where the convention refuses it
 * ({@link Convention#leastTrainingValues}). A value that is not finite makes all of its channel's
 * outputs and its running variance NaN, and its running mean NaN or infinite. Of a masked
 * mini-batch only positions that count enter mean and variance, whose divisor is their number; all
 * positions are normalized, as in Keras. A mask that leaves none is refused, where Keras takes mean
 * and variance for 0.
 */
public final class BatchNormTraining {
  private final RunningUpdate update;
  private final double epsilon;
  private final Optional<double[]> gamma;
  private final Optional<double[]> beta;

  private BatchNormTraining(
      RunningUpdate update, double epsilon, Optional<double[]> gamma, Optional<double[]> beta) {
    this.update = update;
    this.epsilon = epsilon;
    this.gamma = gamma;
    this.beta = beta;
  }

  /** See {@link BatchNorm#train}. */
  static BatchNormTraining of(Convention convention) {
    return new BatchNormTraining(
        new RunningUpdate(convention, OptionalDouble.of(convention.momentum())),
        convention.epsilon(),
        Optional.empty(),
        Optional.empty());
  }

  /**
   * The same with another momentum, in the convention's own meaning.
   *
   * @throws IllegalArgumentException if it is not between 0 and 1
   */
  public BatchNormTraining withMomentum(double momentum) {
    update.convention().keepFactor(momentum);
    return with(OptionalDouble.of(momentum));
  }

  /**
   * The same with the cumulative average of all mini-batches as running statistics, each of the
   * same weight (PyTorch's {@code momentum=None}).
   */
  public BatchNormTraining withCumulativeAverage() {
    return with(OptionalDouble.empty());
  }

  private BatchNormTraining with(OptionalDouble momentum) {
    return new BatchNormTraining(
        new RunningUpdate(update.convention(), momentum), epsilon, gamma, beta);
  }

  /**
   * The same with another number added to the variance.
   *
   * @throws IllegalArgumentException if it is negative or not finite
   */
  public BatchNormTraining withEpsilon(double newEpsilon) {
    if (!(newEpsilon >= 0) || Double.isInfinite(newEpsilon)) {
      throw new IllegalArgumentException(
          "epsilon is " + newEpsilon + ", but must be finite and at least 0");
    }
    return new BatchNormTraining(update, newEpsilon, gamma, beta);
  }

  /** The same with a scale for each channel. */
  public BatchNormTraining withGamma(double[] newGamma) {
    return new BatchNormTraining(update, epsilon, Optional.of(newGamma.clone()), beta);
  }

  /** The same with a shift for each channel. */
  public BatchNormTraining withBeta(double[] newBeta) {
    return new BatchNormTraining(update, epsilon, gamma, Optional.of(newBeta.clone()));
  }

  /**
   * What a mini-batch makes of a layer.
   *
   * @param normalization by the mini-batch's own statistics
   * @param running statistics after it
   */
  public record Step(BatchNorm normalization, RunningStatistics running) {}

  /**
   * The step of a mini-batch whose moments were taken block by block ({@link
   * MiniBatchAccumulator}): its blocks can then be normalized one by one. Of one without values the
   * normalization gives NaN.
   *
   * @param running statistics before it
   * @throws IllegalArgumentException if running statistics, gamma or beta have another number of
   *     channels, a channel has too few values for the convention, or {@code gamma / sqrt(variance
   *     + epsilon)} overflows
   */
  public Step step(ChannelMoments miniBatch, RunningStatistics running) {
    int channels = miniBatch.channels();
    requireChannels(channels, running);
    RunningStatistics after = update.after(running, miniBatch);
    double[] mean = new double[channels];
    double[] variance = new double[channels];
    for (int c = 0; c < channels; c++) {
      mean[c] = MiniBatch.mean(miniBatch, c);
      variance[c] = MiniBatch.biasedVariance(miniBatch, c);
    }
    return new Step(BatchNorm.of(mean, variance, epsilon, gamma, beta), after);
  }

  private void requireChannels(int channels, RunningStatistics running) {
    requireChannels("running_mean", channels, running.channels());
    gamma.ifPresent(values -> requireChannels("weight", channels, values.length));
    beta.ifPresent(values -> requireChannels("bias", channels, values.length));
  }

  /** The words of torch.nn.functional.batch_norm: what the input has, then what the layer has. */
  private static void requireChannels(String what, int input, int layer) {
    if (input != layer) {
      throw new IllegalArgumentException(
          what + " should contain " + input + " elements not " + layer);
    }
  }

  /**
   * Checks that a mini-batch can be trained on, before any of it is read.
   *
   * @throws IllegalArgumentException if it has one value per channel and the convention refuses
   *     that
   */
  public void requireEnoughValues(Shape shape, ChannelView view) {
    long values = view.elementsPerChannel();
    if (values > 0 && values < update.convention().leastTrainingValues()) {
      throw new IllegalArgumentException(MiniBatch.TOO_FEW + "input size " + shape);
    }
  }

  /**
   * Normalizes a mini-batch in row-major order by its own statistics.
   *
   * @param input its elements
   * @param output where the results go, of the same length; may be {@code input} itself
   * @param shape its axes
   * @param layout which axis holds the channels
   * @param running statistics before it
   * @return running statistics after it
   * @throws IllegalArgumentException if the shape does not fit the layout or has another number of
   *     elements than an array, or as {@link #step}; the output is then as it was
   */
  public RunningStatistics apply(
      float[] input, float[] output, Shape shape, ChannelLayout layout, RunningStatistics running) {
    ChannelView view = layout.view(shape, ElementOrder.ROW_MAJOR);
    return apply(
        input, output, shape, layout, MiniBatchAccumulator.forChannels(view.channels()), running);
  }

  /** The same for doubles. */
  public RunningStatistics apply(
      double[] input,
      double[] output,
      Shape shape,
      ChannelLayout layout,
      RunningStatistics running) {
    ChannelView view = layout.view(shape, ElementOrder.ROW_MAJOR);
    return apply(
        input, output, shape, layout, MiniBatchAccumulator.forChannels(view.channels()), running);
  }

  /**
   * The same with a mask.
   *
   * @param mask which positions count: one value for each of the shape without its channel axis, in
   *     row-major order
   * @throws IllegalArgumentException also if the mask has another number of positions
   * @throws IllegalStateException if there are positions, but the mask leaves none
   */
  public RunningStatistics apply(
      float[] input,
      float[] output,
      Shape shape,
      ChannelLayout layout,
      boolean[] mask,
      RunningStatistics running) {
    return apply(input, output, shape, layout, masked(shape, layout, mask), running);
  }

  /** The same with a mask, for doubles. */
  public RunningStatistics apply(
      double[] input,
      double[] output,
      Shape shape,
      ChannelLayout layout,
      boolean[] mask,
      RunningStatistics running) {
    return apply(input, output, shape, layout, masked(shape, layout, mask), running);
  }

  private static MiniBatchAccumulator masked(Shape shape, ChannelLayout layout, boolean[] mask) {
    ChannelView view = layout.view(shape, ElementOrder.ROW_MAJOR);
    if (mask.length != view.elementsPerChannel()) {
      throw new IllegalArgumentException(
          "mask has "
              + mask.length
              + " positions, but shape "
              + shape
              + " without its channel axis has "
              + view.elementsPerChannel());
    }
    return MiniBatchAccumulator.forChannels(view.channels(), Mask.of(mask));
  }

  private RunningStatistics apply(
      float[] input,
      float[] output,
      Shape shape,
      ChannelLayout layout,
      MiniBatchAccumulator miniBatch,
      RunningStatistics running) {
    ChannelView view = trainable(shape, layout, input.length, output.length);
    ArrayBlocks.forEach(input, view, miniBatch::add);
    Step step = step(miniBatch.snapshot(), running);
    step.normalization().apply(input, output, shape, layout);
    return step.running();
  }

  private RunningStatistics apply(
      double[] input,
      double[] output,
      Shape shape,
      ChannelLayout layout,
      MiniBatchAccumulator miniBatch,
      RunningStatistics running) {
    ChannelView view = trainable(shape, layout, input.length, output.length);
    ArrayBlocks.forEach(input, view, miniBatch::add);
    Step step = step(miniBatch.snapshot(), running);
    step.normalization().apply(input, output, shape, layout);
    return step.running();
  }

  private ChannelView trainable(Shape shape, ChannelLayout layout, int inputs, int outputs) {
    BatchNorm.requireElements("input", inputs, shape);
    BatchNorm.requireElements("output", outputs, shape);
    ChannelView view = layout.view(shape, ElementOrder.ROW_MAJOR);
    requireEnoughValues(shape, view);
    return view;
  }
}
