package org.sparkbatchnorm.kernel;

import java.util.Optional;
import java.util.OptionalDouble;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
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
  private final NormalizationKernels kernels;
  private final RunningUpdate update;
  private final double epsilon;
  private final Optional<double[]> gamma;
  private final Optional<double[]> beta;

  private BatchNormTraining(
      NormalizationKernels kernels,
      RunningUpdate update,
      double epsilon,
      Optional<double[]> gamma,
      Optional<double[]> beta) {
    this.kernels = kernels;
    this.update = update;
    this.epsilon = epsilon;
    this.gamma = gamma;
    this.beta = beta;
  }

  /** See {@link BatchNorm#train}. */
  static BatchNormTraining of(Convention convention, NormalizationKernels kernels) {
    return new BatchNormTraining(
        kernels,
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
        kernels, new RunningUpdate(update.convention(), momentum), epsilon, gamma, beta);
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
    return new BatchNormTraining(kernels, update, newEpsilon, gamma, beta);
  }

  /** The same with a scale for each channel. */
  public BatchNormTraining withGamma(double[] newGamma) {
    return new BatchNormTraining(kernels, update, epsilon, Optional.of(newGamma.clone()), beta);
  }

  /** The same with a shift for each channel. */
  public BatchNormTraining withBeta(double[] newBeta) {
    return new BatchNormTraining(kernels, update, epsilon, gamma, Optional.of(newBeta.clone()));
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
    requireEnoughValues(miniBatch);
    RunningStatistics after = update.after(running, miniBatch);
    double[] mean = new double[channels];
    double[] variance = new double[channels];
    for (int c = 0; c < channels; c++) {
      mean[c] = MiniBatch.mean(miniBatch, c);
      variance[c] = MiniBatch.biasedVariance(miniBatch, c);
    }
    return new Step(
        BatchNorm.of(ChannelParameters.of(mean, variance, epsilon, gamma, beta), kernels), after);
  }

  /**
   * Checks that a mini-batch fits the layer, before any of it is read.
   *
   * @throws IllegalArgumentException if running statistics, gamma or beta have another number of
   *     channels
   */
  public void requireChannels(ChannelView view, RunningStatistics running) {
    requireChannels(view.channels(), running);
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
   * Checks that a mini-batch has enough values to train on.
   *
   * @throws IllegalArgumentException if a channel has one and the convention refuses that
   */
  public void requireEnoughValues(ChannelMoments miniBatch) {
    for (int c = 0; c < miniBatch.channels(); c++) {
      long values = MiniBatch.values(miniBatch, c);
      if (isTooFew(values)) {
        throw new IllegalArgumentException(MiniBatch.TOO_FEW + values);
      }
    }
  }

  private boolean isTooFew(long values) {
    return values > 0 && values < update.convention().leastTrainingValues();
  }

  /**
   * The same of an array, before any of it is read.
   *
   * @throws IllegalArgumentException if it has one value per channel and the convention refuses
   *     that
   */
  public void requireEnoughValues(Shape shape, ChannelView view) {
    if (isTooFew(view.elementsPerChannel())) {
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
    return apply(input, output, MiniBatchArray.of(shape, layout), running);
  }

  /** The same for doubles. */
  public RunningStatistics apply(
      double[] input,
      double[] output,
      Shape shape,
      ChannelLayout layout,
      RunningStatistics running) {
    return apply(input, output, MiniBatchArray.of(shape, layout), running);
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
    return apply(input, output, MiniBatchArray.of(shape, layout).masked(mask), running);
  }

  /** The same with a mask, for doubles. */
  public RunningStatistics apply(
      double[] input,
      double[] output,
      Shape shape,
      ChannelLayout layout,
      boolean[] mask,
      RunningStatistics running) {
    return apply(input, output, MiniBatchArray.of(shape, layout).masked(mask), running);
  }

  private RunningStatistics apply(
      float[] input, float[] output, MiniBatchArray array, RunningStatistics running) {
    array.requireElements(input.length, output.length);
    requireEnoughValues(array.shape(), array.view());
    Step step = step(array.moments(input, kernels.blocks()), running);
    step.normalization().apply(input, output, array.shape(), array.layout());
    return step.running();
  }

  private RunningStatistics apply(
      double[] input, double[] output, MiniBatchArray array, RunningStatistics running) {
    array.requireElements(input.length, output.length);
    requireEnoughValues(array.shape(), array.view());
    Step step = step(array.moments(input, kernels.blocks()), running);
    step.normalization().apply(input, output, array.shape(), array.layout());
    return step.running();
  }

  /** As {@code pytorch, momentum 0.1, epsilon 1.0E-5, weight, no bias}. */
  @Override
  public String toString() {
    return update
        + ", epsilon "
        + epsilon
        + (gamma.isPresent() ? ", weight" : ", no weight")
        + (beta.isPresent() ? ", bias" : ", no bias");
  }
}
