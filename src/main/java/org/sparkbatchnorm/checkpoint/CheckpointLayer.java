package org.sparkbatchnorm.checkpoint;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;

/**
 * What a checkpoint holds of one layer of C channels (0 or more). Immutable.
 *
 * <p>Values are as stored, and nothing is assumed of them: a mean may be NaN, a variance NaN or
 * negative, as a layer whose non-finite values were propagated has them. {@link
 * Checkpoint#parameters} is where they must be fit for evaluation.
 */
public final class CheckpointLayer {
  private final DType dtype;
  private final double[] mean;
  private final double[] variance;
  private final double[] gamma;
  private final double[] beta;
  private final OptionalLong batchesTracked;
  private final boolean isAffineUnknown;
  private final long meanOffset;
  private final long varianceOffset;

  private CheckpointLayer(
      DType dtype,
      double[] mean,
      double[] variance,
      double[] gamma,
      double[] beta,
      OptionalLong batchesTracked,
      boolean isAffineUnknown,
      long meanOffset,
      long varianceOffset) {
    this.dtype = dtype;
    this.mean = mean;
    this.variance = variance;
    this.gamma = gamma;
    this.beta = beta;
    this.batchesTracked = batchesTracked;
    this.isAffineUnknown = isAffineUnknown;
    this.meanOffset = meanOffset;
    this.varianceOffset = varianceOffset;
  }

  /**
   * A layer without scale, shift and number of mini-batches.
   *
   * @param dtype what the values are, or were, stored as
   * @param mean one per channel
   * @param variance one per channel
   * @throws IllegalArgumentException if the lengths differ or the dtype has no fractions
   */
  public static CheckpointLayer of(DType dtype, double[] mean, double[] variance) {
    return located(
        dtype, mean, MalformedFileException.NO_OFFSET, variance, MalformedFileException.NO_OFFSET);
  }

  /** A layer of these statistics, in full precision, with their number of mini-batches. */
  public static CheckpointLayer of(RunningStatistics statistics) {
    return of(DType.F64, statistics.mean(), statistics.variance())
        .withBatchesTracked(statistics.miniBatches());
  }

  /** A layer whose mean and variance stand at these offsets in a file. */
  static CheckpointLayer located(
      DType dtype, double[] mean, long meanOffset, double[] variance, long varianceOffset) {
    if (!dtype.isFloating()) {
      throw new IllegalArgumentException(dtype + " is not a floating-point type");
    }
    requireChannels("variance", variance, mean.length);
    return new CheckpointLayer(
        dtype,
        mean.clone(),
        variance.clone(),
        null,
        null,
        OptionalLong.empty(),
        false,
        meanOffset,
        varianceOffset);
  }

  /**
   * The same with a scale.
   *
   * @throws IllegalArgumentException if it has not C values
   */
  public CheckpointLayer withGamma(double[] newGamma) {
    requireChannels("gamma", newGamma, mean.length);
    return new CheckpointLayer(
        dtype,
        mean,
        variance,
        newGamma.clone(),
        beta,
        batchesTracked,
        isAffineUnknown,
        meanOffset,
        varianceOffset);
  }

  /**
   * The same with a shift.
   *
   * @throws IllegalArgumentException if it has not C values
   */
  public CheckpointLayer withBeta(double[] newBeta) {
    requireChannels("beta", newBeta, mean.length);
    return new CheckpointLayer(
        dtype,
        mean,
        variance,
        gamma,
        newBeta.clone(),
        batchesTracked,
        isAffineUnknown,
        meanOffset,
        varianceOffset);
  }

  /** The same with other running statistics, one of each per channel. */
  CheckpointLayer withStatistics(double[] newMean, double[] newVariance) {
    requireChannels("mean", newMean, mean.length);
    requireChannels("variance", newVariance, mean.length);
    return new CheckpointLayer(
        dtype,
        newMean.clone(),
        newVariance.clone(),
        gamma,
        beta,
        batchesTracked,
        isAffineUnknown,
        meanOffset,
        varianceOffset);
  }

  /**
   * The same with other running variances.
   *
   * @throws IllegalArgumentException if there is not one for each channel
   */
  public CheckpointLayer withVariance(double[] newVariance) {
    return withStatistics(mean, newVariance);
  }

  /** The same with a number of mini-batches. */
  public CheckpointLayer withBatchesTracked(long newBatchesTracked) {
    return new CheckpointLayer(
        dtype,
        mean,
        variance,
        gamma,
        beta,
        OptionalLong.of(newBatchesTracked),
        isAffineUnknown,
        meanOffset,
        varianceOffset);
  }

  /** The same, which has a scale or a shift, and nothing says which of them. */
  CheckpointLayer withUnknownAffine() {
    return new CheckpointLayer(
        dtype, mean, variance, gamma, beta, batchesTracked, true, meanOffset, varianceOffset);
  }

  /** The same without a number of mini-batches. */
  CheckpointLayer withoutBatchesTracked() {
    return new CheckpointLayer(
        dtype,
        mean,
        variance,
        gamma,
        beta,
        OptionalLong.empty(),
        isAffineUnknown,
        meanOffset,
        varianceOffset);
  }

  /**
   * The same as it is once it was stored as this type: every value rounded once, to nearest, ties
   * to even; what is too large is infinite.
   *
   * @throws IllegalArgumentException if the type has no fractions
   */
  public CheckpointLayer rounded(DType target) {
    return new CheckpointLayer(
        target,
        rounded(mean, target),
        rounded(variance, target),
        gamma == null ? null : rounded(gamma, target),
        beta == null ? null : rounded(beta, target),
        batchesTracked,
        isAffineUnknown,
        meanOffset,
        varianceOffset);
  }

  private static double[] rounded(double[] values, DType target) {
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, target.bytes()));
    Elements.encode(target, values, values.length, bytes);
    double[] rounded = new double[values.length];
    Elements.decode(target, bytes.rewind(), rounded, rounded.length);
    return rounded;
  }

  private static void requireChannels(String what, double[] values, int channels) {
    if (values.length != channels) {
      throw new IllegalArgumentException(
          what + " has " + values.length + " channels, but the running mean has " + channels);
    }
  }

  /** Type of the running mean in the file. */
  public DType dtype() {
    return dtype;
  }

  /** C. */
  public int channels() {
    return mean.length;
  }

  /** Running means; a fresh array. */
  public double[] mean() {
    return mean.clone();
  }

  /** Running variances; a fresh array. */
  public double[] variance() {
    return variance.clone();
  }

  /** Scales, if the layer has them; a fresh array. */
  public Optional<double[]> gamma() {
    return Optional.ofNullable(gamma).map(double[]::clone);
  }

  /** Shifts, if the layer has them; a fresh array. */
  public Optional<double[]> beta() {
    return Optional.ofNullable(beta).map(double[]::clone);
  }

  /**
   * Whether the file holds a scale or a shift of the layer without saying which of them, so that
   * neither is here: Keras' weights alone, of a layer with {@code scale=False} or {@code
   * center=False}. Such a layer has statistics but no {@link Checkpoint#parameters}.
   */
  public boolean isAffineUnknown() {
    return isAffineUnknown;
  }

  /** {@code num_batches_tracked}, if the layer has it; as stored, negative included. */
  public OptionalLong batchesTracked() {
    return batchesTracked;
  }

  /** Offset of the running mean in its file, or {@link MalformedFileException#NO_OFFSET}. */
  long meanOffset() {
    return meanOffset;
  }

  /** Offset of the running variance in its file, or {@link MalformedFileException#NO_OFFSET}. */
  long varianceOffset() {
    return varianceOffset;
  }

  /** Same type and values (NaN equals NaN), wherever they were read and what else is there. */
  @Override
  public boolean equals(Object other) {
    return other instanceof CheckpointLayer that
        && dtype == that.dtype
        && Arrays.equals(mean, that.mean)
        && Arrays.equals(variance, that.variance)
        && Arrays.equals(gamma, that.gamma)
        && Arrays.equals(beta, that.beta)
        && batchesTracked.equals(that.batchesTracked);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(mean) * 31 + Arrays.hashCode(variance);
  }

  @Override
  public String toString() {
    return dtype + " layer of " + mean.length + " channels";
  }
}
