package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sparkbatchnorm.checkpoint.CheckpointLayer;
import org.sparkbatchnorm.tensor.DType;

/** What is wrong, or likely to be, with the running statistics of a layer. */
final class LayerSuspicions {
  /** Channels that a sentence names. */
  private static final int CHANNELS = 5;

  private final CheckpointLayer layer;
  private final double[] mean;
  private final double[] variance;

  private LayerSuspicions(CheckpointLayer layer) {
    this.layer = layer;
    this.mean = layer.mean();
    this.variance = layer.variance();
  }

  private interface Channel {
    boolean test(double mean, double variance);
  }

  /** A clause for each thing that is wrong; none for a layer without channels. */
  static List<String> of(CheckpointLayer layer) {
    return new LayerSuspicions(layer).all();
  }

  /** What another type has no room for, a clause each. */
  static List<String> lostIn(CheckpointLayer layer, DType dtype) {
    return new LayerSuspicions(layer).lostIn(dtype);
  }

  private List<String> lostIn(DType dtype) {
    CheckpointLayer rounded = layer.rounded(dtype);
    double[] roundedMean = rounded.mean();
    double[] roundedVariance = rounded.variance();
    List<String> found = new ArrayList<>();
    addChannels(
        found,
        "beyond the range of " + dtype,
        IntStream.range(0, mean.length)
            .filter(
                c ->
                    becomesInfinite(mean[c], roundedMean[c])
                        || becomesInfinite(variance[c], roundedVariance[c])));
    addChannels(
        found,
        "a variance that is 0 in " + dtype,
        IntStream.range(0, mean.length).filter(c -> variance[c] > 0 && roundedVariance[c] == 0));
    return found;
  }

  private List<String> all() {
    List<String> found = new ArrayList<>();
    add(found, "NaN", (m, v) -> Double.isNaN(m) || Double.isNaN(v));
    add(found, "infinite", (m, v) -> Double.isInfinite(m) || Double.isInfinite(v));
    add(found, "a negative variance", (m, v) -> v < 0);
    add(found, "variance 0, as of constant activations", (m, v) -> v == 0);
    if (layer.dtype() != DType.F16) {
      // .half() converts running statistics, too.
      found.addAll(lostIn(layer, DType.F16));
    }
    boolean isFresh =
        mean.length > 0
            && Arrays.stream(mean).allMatch(value -> value == 0)
            && Arrays.stream(variance).allMatch(value -> value == 1);
    if (isFresh) {
      found.add("mean 0 and variance 1 throughout, as in a layer that was never trained");
    }
    return found;
  }

  private static boolean becomesInfinite(double value, double rounded) {
    return Double.isFinite(value) && Double.isInfinite(rounded);
  }

  private void add(List<String> found, String what, Channel concerned) {
    addChannels(
        found,
        what,
        IntStream.range(0, mean.length).filter(c -> concerned.test(mean[c], variance[c])));
  }

  private void addChannels(List<String> found, String what, IntStream concerned) {
    int[] channels = concerned.toArray();
    if (channels.length == 0) {
      return;
    }
    found.add(
        what
            + " in "
            + channels.length
            + " of "
            + Quantity.of(mean.length, "channel")
            + " ("
            + Arrays.stream(channels)
                .limit(CHANNELS)
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(", "))
            + (channels.length > CHANNELS ? ", ...)" : ")"));
  }
}
