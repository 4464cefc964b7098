package org.sparkbatchnorm.layer;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What a framework means by the words of a BatchNorm layer: epsilon, momentum, the running variance
 * and the axis of the channels. The layers of all of them normalize a training mini-batch by its
 * own biased variance; they differ in what they add to the running variance, and in how much.
 *
 * <pre>
 *                epsilon  momentum                     running variance takes  channel axis
 * pytorch        1e-5     0.1,  weight of the new      unbiased                1
 * keras          1e-3     0.99, weight of the old      biased                  -1
 * keras-fused    1e-3     0.99, weight of the old      unbiased                -1
 * flax           1e-5     0.99, weight of the old      biased                  -1
 * onnx           1e-5     0.9,  weight of the old      biased                  1
 * </pre>
 *
 * <p>{@code pytorch}: torch.nn.BatchNorm2d. {@code keras}: Keras 3's BatchNormalization. {@code
 * keras-fused}: tf.keras on inputs of rank 4 or 5, where TensorFlow's fused operator feeds the
 * running variance. {@code flax}: flax.linen.BatchNorm. {@code onnx}: operator BatchNormalization,
 * version 14 and later.
 */
public enum Convention {
  PYTORCH("pytorch", 1e-5, 0.1, Momentum.WEIGHT_OF_NEW, VarianceKind.UNBIASED, 1),
  KERAS("keras", 1e-3, 0.99, Momentum.WEIGHT_OF_OLD, VarianceKind.BIASED, -1),
  KERAS_FUSED("keras-fused", 1e-3, 0.99, Momentum.WEIGHT_OF_OLD, VarianceKind.UNBIASED, -1),
  FLAX("flax", 1e-5, 0.99, Momentum.WEIGHT_OF_OLD, VarianceKind.BIASED, -1),
  ONNX("onnx", 1e-5, 0.9, Momentum.WEIGHT_OF_OLD, VarianceKind.BIASED, 1);

  /** What the number called momentum is the weight of. */
  public enum Momentum {
    /** r becomes (1 - momentum) r + momentum v. */
    WEIGHT_OF_NEW,
    /** r becomes momentum r + (1 - momentum) v. */
    WEIGHT_OF_OLD
  }

  /** What the sum of squared deviations of n values is divided by. */
  public enum VarianceKind {
    /** n. */
    BIASED,
    /** n - 1. */
    UNBIASED
  }

  private final String word;
  private final double epsilon;
  private final double momentum;
  private final Momentum momentumMeaning;
  private final VarianceKind runningVariance;
  private final int channelAxis;

  Convention(
      String word,
      double epsilon,
      double momentum,
      Momentum momentumMeaning,
      VarianceKind runningVariance,
      int channelAxis) {
    this.word = word;
    this.epsilon = epsilon;
    this.momentum = momentum;
    this.momentumMeaning = momentumMeaning;
    this.runningVariance = runningVariance;
    this.channelAxis = channelAxis;
  }

  /** The word for it on the command line and in job files. */
  public String word() {
    return word;
  }

  /** What its layers add to the variance unless they are told otherwise. */
  public double epsilon() {
    return epsilon;
  }

  /** Momentum unless its layers are told otherwise, in its own meaning. */
  public double momentum() {
    return momentum;
  }

  /** What its momentum is the weight of. */
  public Momentum momentumMeaning() {
    return momentumMeaning;
  }

  /** Which variance of a mini-batch enters the running variance. */
  public VarianceKind runningVariance() {
    return runningVariance;
  }

  /** Axis of the channels in an array with the batch on axis 0; -1 is the last. */
  public int channelAxis() {
    return channelAxis;
  }

  /**
   * Weight of the old running value, for a momentum in this convention's meaning.
   *
   * @throws IllegalArgumentException if the momentum is not between 0 and 1
   */
  public double keepFactor(double ownMomentum) {
    if (!(ownMomentum >= 0 && ownMomentum <= 1)) {
      throw new IllegalArgumentException(
          "momentum is " + ownMomentum + ", but must be between 0 and 1");
    }
    return momentumMeaning == Momentum.WEIGHT_OF_OLD ? ownMomentum : 1 - ownMomentum;
  }

  /**
   * Weight of the new value; {@link #keepFactor} and this one are each as near to the momentum as a
   * double can be, and add up to 1 but for that rounding.
   *
   * @throws IllegalArgumentException if the momentum is not between 0 and 1
   */
  public double newFactor(double ownMomentum) {
    double keep = keepFactor(ownMomentum);
    return momentumMeaning == Momentum.WEIGHT_OF_NEW ? ownMomentum : 1 - keep;
  }

  /**
   * Fewest values per channel that its layers accept in training. PyTorch refuses one, which has no
   * unbiased variance; the others let it enter the running variance as 0, the fused layer of
   * tf.keras by dividing by max(n - 1, 1).
   */
  public int leastTrainingValues() {
    return this == PYTORCH ? 2 : 1;
  }

  /** The convention of this word. */
  public static Optional<Convention> ofWord(String word) {
    return Arrays.stream(values()).filter(known -> known.word.equals(word)).findFirst();
  }

  /** All words. */
  public static List<String> words() {
    return Arrays.stream(values()).map(Convention::word).toList();
  }
}
