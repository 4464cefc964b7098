package org.sparkbatchnorm.job;

import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.source.MiniBatchPlan;
import org.sparkbatchnorm.source.MiniBatchPlanner;
import org.sparkbatchnorm.source.MiniBatchRule;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * The mini-batches of a table. Files with headers have their keys there; of a table, a pass over
 * the narrow columns {@code layer}, {@code batch} and {@code shape} brings them, where they matter,
 * before the values are read. The driver, and every executor, then holds an entry for each key of
 * each layer.
 *
 * @param table with the rows
 * @param selection which layers are wanted
 */
record TableMiniBatches(ActivationTable table, LayerSelection selection) {

  /** A group of rows, for messages. */
  private record Group(String table, String layer, Optional<String> key)
      implements MiniBatchPlanner.Origin {

    @Override
    public String display() {
      return "a row of layer " + layer + key.map(text -> ", batch " + text).orElse("");
    }

    @Override
    public MalformedFileException bad(String code, String reason) {
      return new MalformedFileException(table, MalformedFileException.NO_OFFSET, code, reason);
    }
  }

  /**
   * The plan.
   *
   * @throws MalformedFileException if the table cannot be read, or what {@link MiniBatchPlanner}
   *     refuses
   */
  MiniBatchPlan plan(MiniBatchRule rule) throws MalformedFileException {
    if (!rule.needsKeys()) {
      return MiniBatchPlan.withoutKeys(rule);
    }
    MiniBatchPlanner planner = new MiniBatchPlanner(rule);
    for (Row group : table.groups("layer", "batch", "shape")) {
      add(group, planner);
    }
    return planner.plan();
  }

  /** What is wrong with a row is said when it is counted, and its place is known. */
  private void add(Row group, MiniBatchPlanner planner) throws MalformedFileException {
    if (group.isNullAt(0) || group.isNullAt(2) || group.getList(2).contains(null)) {
      return;
    }
    String name = group.getString(0);
    Optional<String> layer = selection.layerOf(name).filter(selection::isWanted);
    List<Long> axes = group.getList(2);
    long[] shape = axes.stream().mapToLong(Long::longValue).toArray();
    Optional<ChannelView> view = layer.flatMap(known -> view(known, shape));
    if (view.isPresent()) {
      Optional<String> key =
          Optional.ofNullable(group.getString(1)).or(() -> selection.keyOf(name));
      planner.add(
          layer.get(),
          key,
          view.get(),
          shape[0],
          group.getLong(3),
          new Group(table.name(), layer.get(), key));
    }
  }

  private Optional<ChannelView> view(String layer, long[] shape) {
    try {
      return Optional.of(new RowPlace(table.name(), 0).view(selection, layer, shape));
    } catch (MalformedFileException e) {
      return Optional.empty();
    }
  }
}
