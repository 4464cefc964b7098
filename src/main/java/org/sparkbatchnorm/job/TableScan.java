package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.source.MiniBatchPlan;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * A table of activations, one tensor a row: Parquet files, or any DataFrame with such columns,
 * which Spark splits. No value is boxed, whatever they are read from.
 */
final class TableScan implements ActivationScan {
  private final JavaSparkContext spark;
  private final ActivationTable table;
  private final TableSource source;
  private final LayerSelection selection;
  private final Counting counting;
  private final MiniBatchPlan miniBatches;
  private final Origin origin;

  /**
   * Where the rows come from.
   *
   * @param files number of files
   * @param bytes of the files
   * @param rows that the files declare, or {@link #UNKNOWN}
   * @param check whether the files are still what they were
   */
  record Origin(int files, long bytes, long rows, Check check) {
    static final long UNKNOWN = -1;

    /** A DataFrame: only reading tells how many rows there are. */
    static final Origin NO_FILES = new Origin(0, 0, UNKNOWN, () -> {});
  }

  /** Looks at the files once more. */
  interface Check {
    void requireUnchanged() throws MalformedFileException;
  }

  /**
   * A table that is ready to be counted.
   *
   * @throws MalformedFileException if the mini-batches that are asked for cannot be made of it
   */
  TableScan(
      JavaSparkContext spark,
      ActivationTable table,
      TableSource source,
      LayerSelection selection,
      Counting counting,
      Origin origin)
      throws MalformedFileException {
    this.spark = spark;
    this.table = table;
    this.source = source;
    this.selection = selection;
    this.counting = counting;
    this.miniBatches = new TableMiniBatches(table, selection).plan(counting.rule());
    this.origin = origin;
  }

  /** Groups rows by layer and shape: reads two narrow columns, not the values. */
  @Override
  public JobPlan plan() throws MalformedFileException {
    Map<String, JobPlan.Layer> layers = new TreeMap<>();
    for (Row group : table.groups("layer", "shape")) {
      RowPlace place = new RowPlace(table.name(), 0);
      if (group.isNullAt(0) || group.isNullAt(1)) {
        throw place.bad("NULL_VALUE", "layer or shape is null");
      }
      String layer = place.layer(selection, group.getString(0));
      if (selection.isWanted(layer)) {
        long[] shape = shape(group, place);
        ChannelView view = place.view(selection, layer, shape);
        long count = group.getLong(2);
        long values = Math.multiplyExact(view.elementsPerChannel(), count);
        layers.merge(
            layer,
            new JobPlan.Layer(layer, view.channels(), count, values),
            (a, b) ->
                new JobPlan.Layer(
                    layer,
                    a.channels(),
                    a.tensors() + b.tensors(),
                    a.valuesPerChannel() + b.valuesPerChannel()));
      }
    }
    long tensors = layers.values().stream().mapToLong(JobPlan.Layer::tensors).sum();
    return new JobPlan(
        new ArrayList<>(layers.values()),
        origin.files(),
        tensors,
        origin.bytes(),
        source.partitions());
  }

  private static long[] shape(Row group, RowPlace place) throws MalformedFileException {
    List<Long> axes = group.getList(1);
    if (axes.contains(null)) {
      throw place.bad("NULL_VALUE", "an axis of the shape is null");
    }
    return axes.stream().mapToLong(Long::longValue).toArray();
  }

  @Override
  public ScanState run() throws MalformedFileException {
    int partitions = source.partitions();
    if (partitions == 0) {
      return ScanState.empty();
    }
    ScanState state = scan();
    origin.check().requireUnchanged();
    state.requireGood();
    if (state.splits() != partitions) {
      throw new IllegalStateException(
          state.splits() + " partitions were counted, but there are " + partitions);
    }
    if (origin.rows() != Origin.UNKNOWN && state.rows() != origin.rows()) {
      throw new IllegalStateException(
          state.rows() + " rows were counted, but the files declare " + origin.rows());
    }
    state.layers().forEach((name, layer) -> layer.addMiniBatches(miniBatches.shared(name)));
    return state;
  }

  private ScanState scan() {
    SharedPlan plan = SharedPlan.of(spark, miniBatches);
    try {
      return source.count(
          new TablePartitionScan(table.name(), selection, plan, counting, TaskAttempts.of(spark)));
    } finally {
      plan.destroy();
    }
  }

  @Override
  public List<String> warnings() {
    return List.of();
  }

  @Override
  public String description() {
    return table.name() + " in " + Quantity.of(source.partitions(), "split");
  }

  @Override
  public RunReport.Input input(ScanState state, List<String> paths) {
    return new RunReport.Input(
        origin.files(), state.rows(), origin.bytes(), source.partitions(), paths);
  }
}
