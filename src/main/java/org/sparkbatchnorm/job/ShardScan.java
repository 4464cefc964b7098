package org.sparkbatchnorm.job;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.source.ActivationPlan;
import org.sparkbatchnorm.source.ActivationPlan.PlannedLayer;
import org.sparkbatchnorm.source.ActivationPlanner;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.source.MiniBatching;
import org.sparkbatchnorm.source.Shard;

/** Files with headers, read split by split: safetensors and npy. */
final class ShardScan implements ActivationScan {
  private static final long LEAST_SPLIT_BYTES = 32L << 20;
  private static final long MOST_SPLIT_BYTES = 1L << 30;
  private static final int SPLITS_PER_SLOT = 4;

  /** Layers that a message names. */
  private static final int NAMED = 10;

  private final JavaSparkContext spark;
  private final Counting counting;
  private final ActivationPlan plan;
  private final List<String> warnings;

  private ShardScan(
      JavaSparkContext spark, Counting counting, ActivationPlan plan, List<String> warnings) {
    this.spark = spark;
    this.counting = counting;
    this.plan = plan;
    this.warnings = warnings;
  }

  /** Reads all headers and plans the splits. */
  static ShardScan plan(
      JavaSparkContext spark,
      JobSpec.Input input,
      LayerSelection selection,
      InputFiles files,
      Counting counting)
      throws MalformedFileException {
    List<Shard> shards = ShardHeaders.read(spark, files);
    ActivationPlanner.Selected selected =
        ActivationPlanner.select(selection, counting.rule(), shards);
    requireLayers(input, selected.names());
    long splitBytes =
        input
            .splitSizeBytes()
            .orElseGet(() -> splitBytes(selected.bytes(), spark.defaultParallelism()));
    return new ShardScan(
        spark,
        counting,
        selected.cut(splitBytes),
        Stream.of(EvalModeWarning.of(shards, selected.names()), LayoutWarning.of(shards, selection))
            .flatMap(Optional::stream)
            .toList());
  }

  private static void requireLayers(JobSpec.Input input, Set<String> names) {
    List<String> unmatched = input.layersWithoutMatch(names);
    if (!unmatched.isEmpty()) {
      throw new JobSpecException(
          "--layers (input.layers): no layer of the input matches "
              + String.join(", ", unmatched)
              + "; there are "
              + Listing.of(
                  names.stream().map(Printable::escape).toList(),
                  NAMED,
                  ", ",
                  " and " + (names.size() - NAMED) + " more"));
    }
  }

  static long splitBytes(long bytes, int slots) {
    long even = bytes / ((long) SPLITS_PER_SLOT * slots);
    return Math.max(LEAST_SPLIT_BYTES, Math.min(MOST_SPLIT_BYTES, even));
  }

  @Override
  public JobPlan plan() {
    return new JobPlan(
        plan.layers().stream()
            .map(
                layer ->
                    new JobPlan.Layer(
                        layer.name(), layer.channels(), layer.tensors(), layer.valuesPerChannel()))
            .toList(),
        plan.files(),
        plan.tensors(),
        plan.bytes(),
        plan.splits().size());
  }

  @Override
  public ScanState run() throws MalformedFileException {
    ScanState state = plan.splits().isEmpty() ? ScanState.empty() : scan();
    state.requireGood();
    requireComplete(state);
    if (counting.miniBatching().kind() == MiniBatching.Kind.KEY) {
      for (PlannedLayer layer : plan.layers()) {
        state.layers().get(layer.name()).addMiniBatches(layer.miniBatches());
      }
    }
    return state;
  }

  private ScanState scan() {
    Broadcast<SerializableConfiguration> configuration =
        spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration()));
    try {
      SplitScan scan =
          new SplitScan(
              configuration,
              plan.layers().stream().map(PlannedLayer::name).toList(),
              counting,
              TaskAttempts.of(spark));
      List<byte[]> splits = plan.splits().stream().map(JavaBytes::of).toList();
      return StateMerge.of(spark.parallelize(splits, splits.size()).map(scan));
    } finally {
      configuration.destroy();
    }
  }

  @Override
  public List<String> warnings() {
    return warnings;
  }

  @Override
  public String description() {
    return plan().summary();
  }

  @Override
  public RunReport.Input input(ScanState state, List<String> paths) {
    return new RunReport.Input(
        plan.files(), plan.tensors(), plan.bytes(), plan.splits().size(), paths);
  }

  /** Every split once, and in every layer as many values as the headers declared. */
  void requireComplete(ScanState state) {
    if (state.splits() != plan.splits().size()) {
      throw new IllegalStateException(
          state.splits() + " splits were counted, but " + plan.splits().size() + " were planned");
    }
    for (PlannedLayer layer : plan.layers()) {
      LayerScan counted =
          state
              .layers()
              .computeIfAbsent(
                  layer.name(), name -> new LayerScan(layer.channels(), counting, null));
      long expected = Math.multiplyExact(layer.valuesPerChannel(), (long) layer.channels());
      if (counted.elements() != expected) {
        throw new IllegalStateException(
            "layer "
                + layer.name()
                + ": "
                + counted.elements()
                + " values were counted, but "
                + expected
                + " were planned");
      }
    }
  }
}
