package org.sparkbatchnorm.source;

import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.sparkbatchnorm.source.ActivationPlan.PlannedLayer;

/**
 * Tensors that were selected, in the order of files and offsets; their splits are still to be cut.
 *
 * @param names of all layers, wanted or not
 * @param layers the wanted ones, ordered by name
 * @param tensors of the wanted layers
 * @param miniBatches of each of these tensors
 * @param plan where the mini-batches come from
 */
record SelectedTensors(
    Set<String> names,
    List<PlannedLayer> layers,
    List<WantedTensor> tensors,
    List<MiniBatches> miniBatches,
    MiniBatchPlan plan)
    implements ActivationPlanner.Selected {

  SelectedTensors {
    names = Collections.unmodifiableSet(names);
    layers = List.copyOf(layers);
  }

  @Override
  public long bytes() {
    return layers.stream().mapToLong(PlannedLayer::bytes).sum();
  }

  @Override
  public ActivationPlan cut(long splitBytes) {
    Map<String, Integer> indexes = new HashMap<>();
    layers.forEach(layer -> indexes.put(layer.name(), indexes.size()));
    SplitCutter cutter = new SplitCutter(splitBytes);
    for (int ordinal : packing()) {
      WantedTensor wanted = tensors.get(ordinal);
      cutter.add(
          new PlannedTensor(
              ordinal,
              indexes.get(wanted.layer()),
              wanted.file(),
              wanted.tensor().name(),
              wanted.tensor().dtype(),
              wanted.tensor().ordering(),
              wanted.view(),
              wanted.tensor().offset(),
              miniBatches.get(ordinal)),
          wanted.outermostElements());
    }
    int files = (int) tensors.stream().map(WantedTensor::file).distinct().count();
    return new ActivationPlan(layers, cutter.splits(), files, tensors.size(), bytes());
  }

  /**
   * The order in which tensors are packed into splits: as they lie in their files, but parts of the
   * same mini-batch next to each other, so that few mini-batches are in more than one split.
   */
  private List<Integer> packing() {
    return IntStream.range(0, tensors.size())
        .boxed()
        .sorted(
            Comparator.comparingLong(
                ordinal -> plan.place(tensors.get(ordinal).layer(), tensors.get(ordinal).key())))
        .toList();
  }
}
