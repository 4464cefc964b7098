package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.sparkbatchnorm.estimator.Estimator;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.tensor.DType;

/**
 * What nobody should find out later about the numbers of a checkpoint: which are NaN, as {@code
 * propagate} asks for, and which the checkpoint's type is too small or too coarse for. Each is what
 * IEEE 754 has for it, and none is an error.
 */
final class CheckpointWarnings {
  /** Layers that a warning names, and channels of each. */
  private static final int LAYERS = 5;

  private static final int CHANNELS = 10;

  /** Standard deviations that a normalized value may be off by for the rounding of its mean. */
  private static final double COARSE = 0.01;

  private final List<RunReport.Layer> layers;
  private final Estimator estimator;
  private final DType dtype;

  /**
   * One channel.
   *
   * @param mean in the checkpoint
   * @param variance in the checkpoint
   * @param deviation the standard deviation
   * @param varies whether the exact variance is greater than 0
   */
  private record Channel(double mean, double variance, double deviation, boolean varies) {}

  private CheckpointWarnings(List<RunReport.Layer> layers, Estimator estimator, DType dtype) {
    this.layers = layers;
    this.estimator = estimator;
    this.dtype = dtype;
  }

  /**
   * The warnings, a sentence each.
   *
   * @param estimator whose statistics are in the checkpoint
   */
  static List<String> of(List<RunReport.Layer> layers, Estimator estimator) {
    Map<DType, List<RunReport.Layer>> byType =
        layers.stream()
            .collect(
                Collectors.groupingBy(RunReport.Layer::dtype, TreeMap::new, Collectors.toList()));
    List<String> found = new ArrayList<>();
    byType.forEach(
        (dtype, ofType) -> found.addAll(new CheckpointWarnings(ofType, estimator, dtype).all()));
    return found;
  }

  private List<String> all() {
    List<String> found = new ArrayList<>();
    about("NaN in the checkpoint", c -> Double.isNaN(c.variance())).ifPresent(found::add);
    about(
            "beyond the range of " + dtype + ", and infinite in the checkpoint",
            c -> Double.isInfinite(c.mean()) || Double.isInfinite(c.variance()))
        .ifPresent(found::add);
    about(
            "a variance below the range of " + dtype + ", and 0 in the checkpoint",
            c -> c.variance() == 0 && c.varies())
        .ifPresent(found::add);
    about(
            "a mean where the steps of " + dtype + " are wider than 0.01 standard deviations",
            this::isCoarse)
        .ifPresent(found::add);
    return found;
  }

  private boolean isCoarse(Channel channel) {
    return channel.varies()
        && Double.isFinite(channel.mean())
        && dtype.ulp(channel.mean()) > COARSE * channel.deviation();
  }

  private Optional<String> about(String what, Predicate<Channel> concerned) {
    List<String> found = new ArrayList<>();
    for (RunReport.Layer layer : layers) {
      List<Integer> channels = concerned(layer, concerned);
      if (!channels.isEmpty()) {
        found.add(
            "layer "
                + Printable.escape(layer.name())
                + ": "
                + channels.size()
                + " of "
                + Quantity.of(layer.channels(), "channel")
                + " ("
                + Listing.of(channels, CHANNELS, ", ", ", ...")
                + ")");
      }
    }
    String more = "; and " + Quantity.of(found.size() - LAYERS, "more layer");
    return found.isEmpty()
        ? Optional.empty()
        : Optional.of(what + ": " + Listing.of(found, LAYERS, "; ", more));
  }

  private List<Integer> concerned(RunReport.Layer layer, Predicate<Channel> concerned) {
    double[] mean = layer.stored().mean();
    double[] variance = layer.stored().variance();
    RunningStatistics inDouble = layer.statistics().get(estimator.name());
    double[] varianceInDouble = inDouble.variance();
    List<Integer> channels = new ArrayList<>();
    for (int c = 0; c < mean.length; c++) {
      // The variances of a mini-batch are doubles; of all values together it may be too small even
      // for those.
      boolean varies =
          varianceInDouble[c] > 0
              || (estimator.terms().isEmpty() && !layer.moments().pooled().isConstant(c));
      if (concerned.test(
          new Channel(mean[c], variance[c], Math.sqrt(varianceInDouble[c]), varies))) {
        channels.add(c);
      }
    }
    return channels;
  }
}
