package org.sparkbatchnorm.checkpoint;

/**
 * The keys of a checkpoint's metadata. All values are strings, and none depends on paths, time,
 * host or partitioning: the same data give the same bytes.
 */
public final class MetadataKeys {
  /** What wrote the tensors' names; PyTorch-side loaders ask for {@value #PYTORCH}. */
  public static final String FORMAT = "format";

  /** The value of {@link #FORMAT} for PyTorch's names. */
  public static final String PYTORCH = "pt";

  /** Version of this program. */
  public static final String VERSION = "spark-batchnorm.version";

  /** Word of the estimator that made mean and variance. */
  public static final String ESTIMATOR = "spark-batchnorm.estimator";

  /** Word of the accumulator: how sums were kept. */
  public static final String ACCUMULATOR = "spark-batchnorm.accumulator";

  /**
   * What evaluation adds to the variance, as a decimal number. Where layers differ, each has a key
   * of its own, this one with a dot and the layer's name behind it.
   */
  public static final String EPSILON = "spark-batchnorm.epsilon";

  /** Word of the convention that the numbers are meant in. */
  public static final String CONVENTION = "spark-batchnorm.convention";

  /** What a mini-batch was: tensor, key, or a number of rows; where the estimator looks at them. */
  public static final String MINI_BATCH = "spark-batchnorm.mini-batch";

  /** Momentum of a moving average in the convention's meaning, or none. */
  public static final String MOMENTUM = "spark-batchnorm.momentum";

  /** Where a moving average started: fresh or model. */
  public static final String INITIAL = "spark-batchnorm.initial";

  /** Hash of the moments that the statistics come from. */
  public static final String FINGERPRINT = "spark-batchnorm.fingerprint";

  /** JSON: for each layer, how many values and mini-batches were seen. */
  public static final String LAYERS = "spark-batchnorm.layers";

  private MetadataKeys() {}

  /** The key of {@link #EPSILON} for one layer. */
  static String epsilonOf(String layer) {
    return EPSILON + "." + layer;
  }
}
