package org.sparkbatchnorm.statistics;

import java.io.Serializable;
import java.util.Arrays;
import org.sparkbatchnorm.statistics.MiniBatchAverages.IncompleteMiniBatch;

/**
 * The exact sums of one {@link MiniBatchTerms}, and which mini-batches are in them. {@link
 * MiniBatchAverages} says what they mean. Mutable, not thread-safe.
 */
final class MiniBatchSums implements Serializable {
  private static final long serialVersionUID = 1L;

  final MiniBatchTerms terms;
  final ProductSums means;
  final ProductSums variances;

  /** Of the means, where all weigh the same; null else. */
  final ProductSums squares;

  /** One number: the sum of 1 / rows. */
  final ProductSums reciprocalRows;

  /** Mini-batches of each channel. */
  final long[] batches;

  /** Those of them whose variance exceeds a double. */
  final long[] overflowed;

  /** Mini-batches that have enough values, finite or not. */
  long miniBatches;

  IncompleteMiniBatch incomplete;
  IncompleteMiniBatch incompleteAllFinite;
  IncompleteMiniBatch lacking;

  private MiniBatchSums(MiniBatchTerms terms, int channels) {
    this(
        terms,
        ProductSums.zeros(channels),
        ProductSums.zeros(channels),
        terms.needsOrder() ? null : ProductSums.zeros(channels),
        ProductSums.zeros(1),
        new long[channels],
        new long[channels]);
  }

  private MiniBatchSums(
      MiniBatchTerms terms,
      ProductSums means,
      ProductSums variances,
      ProductSums squares,
      ProductSums reciprocalRows,
      long[] batches,
      long[] overflowed) {
    this.terms = terms;
    this.means = means;
    this.variances = variances;
    this.squares = squares;
    this.reciprocalRows = reciprocalRows;
    this.batches = batches;
    this.overflowed = overflowed;
  }

  static MiniBatchSums none(MiniBatchTerms terms, int channels) {
    return new MiniBatchSums(terms, channels);
  }

  MiniBatchSums copy() {
    MiniBatchSums copy =
        new MiniBatchSums(
            terms,
            means.copy(),
            variances.copy(),
            squares == null ? null : squares.copy(),
            reciprocalRows.copy(),
            batches.clone(),
            overflowed.clone());
    copy.miniBatches = miniBatches;
    copy.incomplete = incomplete;
    copy.incompleteAllFinite = incompleteAllFinite;
    copy.lacking = lacking;
    return copy;
  }

  int channels() {
    return batches.length;
  }

  /** Adds a mini-batch, given its rounded means and variances where it has such. */
  void add(
      ChannelMoments moments,
      double[] batchMeans,
      double[] batchVariances,
      MiniBatchAccumulator.MiniBatch batch) {
    int least = terms.variance().leastCount();
    MiniBatchWeight weight = MiniBatchWeight.of(terms.keep(), terms.fresh(), batch.followers());
    long most = 0;
    for (int c = 0; c < batches.length; c++) {
      long all = moments.count(c) + moments.nonFinite().inChannel(c);
      most = Math.max(most, all);
      if (moments.count(c) >= least) {
        addTo(c, weight, batchMeans[c], batchVariances[c]);
      } else {
        leaveOut(c, moments.count(c), all, batch.name());
      }
    }
    if (most >= least) {
      miniBatches++;
      reciprocalRows.add(0, 1, 1.0 / batch.rows());
    }
  }

  private void addTo(int channel, MiniBatchWeight weight, double mean, double variance) {
    batches[channel]++;
    means.add(channel, weight, mean);
    if (squares != null) {
      squares.add(channel, mean, mean);
    }
    if (Double.isFinite(variance)) {
      variances.add(channel, weight, variance);
    } else if (weight.high() > 0) {
      overflowed[channel]++;
    }
  }

  private void leaveOut(int channel, long finite, long all, String name) {
    IncompleteMiniBatch found = new IncompleteMiniBatch(name, channel);
    if (finite == 1) {
      incomplete = first(incomplete, found);
      if (all == 1) {
        incompleteAllFinite = first(incompleteAllFinite, found);
      }
    }
    if (all >= terms.variance().leastCount()) {
      lacking = first(lacking, found);
    }
  }

  void merge(MiniBatchSums other) {
    means.addAll(other.means);
    variances.addAll(other.variances);
    if (squares != null) {
      squares.addAll(other.squares);
    }
    reciprocalRows.addAll(other.reciprocalRows);
    Arrays.setAll(batches, c -> Math.addExact(batches[c], other.batches[c]));
    Arrays.setAll(overflowed, c -> Math.addExact(overflowed[c], other.overflowed[c]));
    miniBatches = Math.addExact(miniBatches, other.miniBatches);
    incomplete = first(incomplete, other.incomplete);
    incompleteAllFinite = first(incompleteAllFinite, other.incompleteAllFinite);
    lacking = first(lacking, other.lacking);
  }

  /** By name and channel, so that the one reported does not depend on the order of merging. */
  private static IncompleteMiniBatch first(IncompleteMiniBatch a, IncompleteMiniBatch b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    int order = a.miniBatch().compareTo(b.miniBatch());
    return order < 0 || (order == 0 && a.channel() <= b.channel()) ? a : b;
  }
}
