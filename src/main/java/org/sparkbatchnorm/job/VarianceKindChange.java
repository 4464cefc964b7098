package org.sparkbatchnorm.job;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.Convention.VarianceKind;

/**
 * From unbiased variances to biased ones and back: Bessel's correction n / (n - 1). The n of pooled
 * statistics is in the metadata of our own checkpoints. A running variance is an average over
 * mini-batches of which no file says how large they were: it cannot be converted.
 */
final class VarianceKindChange {
  private static final String UNBIASED_ESTIMATOR = "pooled-unbiased";
  private static final String BIASED_ESTIMATOR = "pooled-biased";

  private final String file;
  private final VarianceKind kind;
  private final boolean isPooled;
  private final Map<String, Provenance> provenance;

  private VarianceKindChange(
      String file, VarianceKind kind, boolean isPooled, Map<String, Provenance> provenance) {
    this.file = file;
    this.kind = kind;
    this.isPooled = isPooled;
    this.provenance = provenance;
  }

  /**
   * What is known of a checkpoint's variances.
   *
   * @param convention of the checkpoint
   * @param recorded what it records of its layers
   */
  static VarianceKindChange of(
      String file, Checkpoint checkpoint, Convention convention, Map<String, Provenance> recorded) {
    String estimator = checkpoint.metadata().getOrDefault(MetadataKeys.ESTIMATOR, "");
    VarianceKind kind =
        switch (estimator) {
          case UNBIASED_ESTIMATOR, "paper" -> VarianceKind.UNBIASED;
          case BIASED_ESTIMATOR -> VarianceKind.BIASED;
          default -> convention.runningVariance();
        };
    boolean isPooled = estimator.equals(UNBIASED_ESTIMATOR) || estimator.equals(BIASED_ESTIMATOR);
    return new VarianceKindChange(file, kind, isPooled, isPooled ? recorded : Map.of());
  }

  /**
   * The layer with variances of this kind.
   *
   * @throws MalformedFileException COUNT_UNKNOWN if they must be multiplied and n is not known, or
   *     is 1
   */
  CheckpointLayer to(VarianceKind target, String name, CheckpointLayer layer)
      throws MalformedFileException {
    if (kind == target) {
      return layer;
    }
    long[] n = provenance.containsKey(name) ? provenance.get(name).counts() : new long[0];
    if (n.length == 0 || (n.length != 1 && n.length != layer.channels())) {
      throw unknown(target, name, "how many values they come from is not recorded");
    }
    double[] variance = layer.variance();
    for (int c = 0; c < variance.length; c++) {
      long count = n[n.length == 1 ? 0 : c];
      if (count < 2) {
        throw unknown(target, name, "channel " + c + " has n = " + count);
      }
      double less = count - 1.0;
      variance[c] =
          target == VarianceKind.BIASED ? variance[c] * less / count : variance[c] / less * count;
    }
    return layer.withVariance(variance);
  }

  private MalformedFileException unknown(VarianceKind target, String name, String why) {
    return new MalformedFileException(
        file,
        MalformedFileException.NO_OFFSET,
        "COUNT_UNKNOWN",
        "the variances of layer '"
            + name
            + "' are "
            + word(kind)
            + ", and those of the convention "
            + word(target)
            + ": they must be multiplied by "
            + factor(target)
            + ", but "
            + why
            + (isPooled
                ? ""
                : "; recalibrate with --convention and the estimator wanted, or keep the"
                    + " convention"));
  }

  private static String word(VarianceKind kind) {
    return kind == VarianceKind.BIASED ? "biased" : "unbiased";
  }

  private static String factor(VarianceKind target) {
    return target == VarianceKind.BIASED ? "(n - 1) / n" : "n / (n - 1)";
  }

  /**
   * A sentence for whoever puts biased variances as they are into layers that keep unbiased ones.
   * Not for the other way round: unbiased is what a population's variance is, in any framework.
   */
  Optional<String> mismatch(Convention model) {
    return kind == VarianceKind.UNBIASED || model.runningVariance() == VarianceKind.BIASED
        ? Optional.empty()
        : Optional.of(
            "the variances are biased and were written as they are, but a layer of "
                + model.word()
                + " keeps unbiased ones; convert --convention "
                + model.word()
                + " changes statistics before they are applied");
  }

  /** The estimator that the new variances are of, where they are of another. */
  Optional<String> estimatorAfter(VarianceKind target) {
    return kind == target || !isPooled
        ? Optional.empty()
        : Optional.of(target == VarianceKind.BIASED ? BIASED_ESTIMATOR : UNBIASED_ESTIMATOR);
  }

  /** What was done to the numbers. */
  List<String> consequences(VarianceKind target) {
    return List.of(
        kind == target
            ? "variance: " + word(kind) + ", as it was"
            : "variance: was "
                + word(kind)
                + ", is "
                + word(target)
                + ": times "
                + factor(target)
                + " with the n of each channel");
  }
}
