package org.sparkbatchnorm.statistics;

import java.io.Serializable;

/**
 * What is added up over the mini-batches of a layer: for each channel, with mini-batches numbered
 * from 0 to B - 1 in their order, and v_b the mean of mini-batch b or one of its variances, each
 * rounded to a double,
 *
 * <pre>{@code sum over b of  keep^(B - 1 - b) * fresh * v_b}</pre>
 *
 * <p>Unrolled, that is what {@code r <- keep r + fresh v_b} makes of a running value r that starts
 * at 0; one that starts at r_0 has {@code keep^B r_0} besides. With keep = fresh = 1, every
 * mini-batch has the same weight, and their order is of no importance.
 *
 * @param variance which variance of a mini-batch is meant
 * @param keep weight of the running value, 0 to 1
 * @param fresh weight of the new value, 0 to 1
 */
public record MiniBatchTerms(Variance variance, double keep, double fresh) implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Variance of one mini-batch of n_b values. */
  public enum Variance {
    /** M2 / n_b. */
    BIASED(1),
    /** M2 / (n_b - 1). */
    UNBIASED(2);

    private final int leastCount;

    Variance(int leastCount) {
      this.leastCount = leastCount;
    }

    /** The n_b from which on there is one. */
    public int leastCount() {
      return leastCount;
    }
  }

  /**
   * Checks the weights.
   *
   * @throws IllegalArgumentException if one is not between 0 and 1
   */
  public MiniBatchTerms {
    if (!(keep >= 0 && keep <= 1 && fresh >= 0 && fresh <= 1)) {
      throw new IllegalArgumentException(
          "weights " + keep + " and " + fresh + ", but both must be between 0 and 1");
    }
  }

  /** Every mini-batch with the same weight. */
  public static MiniBatchTerms ofEqualWeight(Variance variance) {
    return new MiniBatchTerms(variance, 1, 1);
  }

  /** Whether the weights depend on the order of the mini-batches. */
  public boolean needsOrder() {
    return keep != 1 || fresh != 1;
  }
}
