package org.sparkbatchnorm.statistics;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.statistics.MiniBatchTerms.Variance;

/**
 * Adds up whole mini-batches of one layer, for each of several {@link MiniBatchTerms}. The means
 * and variances of a mini-batch are rounded to doubles, and the sums of those, weighed, are exact:
 * they depend on the mini-batches and their weights, and not on the order in which they arrive or
 * in which accumulators are merged. Memory: 1 or 1.6 kB for each channel and terms, whatever the
 * number of mini-batches. Not thread-safe.
 */
public final class MiniBatchAccumulator implements Serializable {
  private static final long serialVersionUID = 1L;

  private final int channels;
  private final List<MiniBatchSums> sums = new ArrayList<>();

  private MiniBatchAccumulator(int channels) {
    this.channels = channels;
  }

  /**
   * What is known of a mini-batch besides its values.
   *
   * @param name what messages call it
   * @param rows indexes of the outer axis, 1 or more where it has values
   * @param followers how many mini-batches come after it in their order; of no importance where all
   *     weigh the same
   */
  public record MiniBatch(String name, long rows, long followers) {}

  /**
   * An accumulator that has seen no mini-batch.
   *
   * @throws IllegalArgumentException if the number of channels is negative
   */
  public static MiniBatchAccumulator forChannels(int channels, Collection<MiniBatchTerms> terms) {
    if (channels < 0) {
      throw new IllegalArgumentException("negative number of channels: " + channels);
    }
    MiniBatchAccumulator accumulator = new MiniBatchAccumulator(channels);
    for (MiniBatchTerms each : terms) {
      accumulator.sums.add(MiniBatchSums.none(each, channels));
    }
    return accumulator;
  }

  /**
   * Adds a mini-batch, all of it.
   *
   * @throws IllegalArgumentException if it has another number of channels
   */
  public void add(ChannelMoments moments, MiniBatch batch) {
    requireChannels(moments.channels());
    double[] means = new double[channels];
    for (int c = 0; c < channels; c++) {
      means[c] = moments.count(c) > 0 ? moments.mean(c) : 0;
    }
    Map<Variance, double[]> variances = new EnumMap<>(Variance.class);
    for (MiniBatchSums each : sums) {
      double[] wanted =
          variances.computeIfAbsent(each.terms.variance(), kind -> variances(moments, kind));
      each.add(moments, means, wanted, batch);
    }
  }

  private static double[] variances(ChannelMoments moments, Variance kind) {
    double[] variances = new double[moments.channels()];
    for (int c = 0; c < variances.length; c++) {
      if (moments.count(c) >= kind.leastCount()) {
        variances[c] =
            kind == Variance.BIASED ? moments.biasedVariance(c) : moments.unbiasedVariance(c);
      }
    }
    return variances;
  }

  /**
   * Adds the mini-batches of another.
   *
   * @throws IllegalArgumentException if the number of channels or the terms differ
   */
  public void merge(MiniBatchAccumulator other) {
    requireChannels(other.channels);
    List<MiniBatchTerms> mine = sums.stream().map(each -> each.terms).toList();
    List<MiniBatchTerms> others = other.sums.stream().map(each -> each.terms).toList();
    if (!mine.equals(others)) {
      throw new IllegalArgumentException("cannot merge sums of " + mine + " and of " + others);
    }
    for (int i = 0; i < sums.size(); i++) {
      sums.get(i).merge(other.sums.get(i));
    }
  }

  private void requireChannels(int found) {
    if (found != channels) {
      throw new IllegalArgumentException(
          "cannot add mini-batches of " + found + " channels to those of " + channels);
    }
  }

  /** Everything added so far, by terms. */
  public Map<MiniBatchTerms, MiniBatchAverages> snapshot() {
    Map<MiniBatchTerms, MiniBatchAverages> averages = new LinkedHashMap<>();
    for (MiniBatchSums each : sums) {
      averages.put(each.terms, new MiniBatchAverages(each.copy()));
    }
    return averages;
  }
}
