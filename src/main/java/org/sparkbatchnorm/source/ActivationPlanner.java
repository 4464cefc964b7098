package org.sparkbatchnorm.source;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.ActivationPlan.PlannedLayer;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.ElementOrder;

/**
 * Makes a plan from headers: who belongs to which layer, and whether the tensors of a layer agree.
 */
public final class ActivationPlanner {
  /** Far beyond any network; moments take memory for each, even of a tensor without elements. */
  private static final int MOST_CHANNELS = 1 << 20;

  private final LayerSelection selection;
  private final MiniBatchRule rule;
  private final MiniBatchPlanner miniBatches;
  private final List<Shard> shards;
  private final Map<String, LayerTotals> layers = new HashMap<>();
  private final Set<String> names = new TreeSet<>();
  private final List<WantedTensor> wanted = new ArrayList<>();

  private ActivationPlanner(LayerSelection selection, MiniBatchRule rule, List<Shard> shards) {
    this.selection = selection;
    this.rule = rule;
    this.miniBatches = new MiniBatchPlanner(rule);
    this.shards =
        shards.stream().sorted(Comparator.comparing(shard -> shard.file().uri())).toList();
  }

  /** What is known of a layer so far; the first tensor decides C. */
  private static final class LayerTotals {
    private final WantedTensor first;
    private long tensors;
    private long valuesPerChannel;
    private long bytes;

    LayerTotals(WantedTensor first) {
      this.first = first;
    }

    void add(WantedTensor candidate) {
      tensors++;
      valuesPerChannel = Math.addExact(valuesPerChannel, candidate.view().elementsPerChannel());
      bytes = Math.addExact(bytes, candidate.tensor().bytes());
    }

    PlannedLayer planned(long miniBatches) {
      return new PlannedLayer(
          first.layer(), first.view().channels(), tensors, miniBatches, valuesPerChannel, bytes);
    }
  }

  /** The layers that will be read, and how the bytes are cut once the split size is known. */
  public interface Selected {
    /** Names of all layers there are, wanted or not. */
    Set<String> names();

    /** The layers, ordered by name. */
    List<PlannedLayer> layers();

    /** Bytes of all wanted tensors. */
    long bytes();

    /** The plan whose splits have at most this many bytes, or one row. */
    ActivationPlan cut(long splitBytes);
  }

  /**
   * Selects tensors.
   *
   * @throws MalformedFileException {@code LAYER_NAME} if a name does not match the pattern, {@code
   *     RANK_TOO_SMALL} if a wanted tensor has no channel axis, {@code SHAPE_MISMATCH} if it has
   *     not its layout's rank or not its layer's C, {@code TOO_MANY_CHANNELS} if C exceeds 2^20,
   *     {@code SIZE_OVERFLOW} if a layer exceeds 2^63 - 1 bytes or values per channel, {@code
   *     COLUMN_MAJOR} if rows make mini-batches and do not lie together in the file, and what
   *     {@link MiniBatchPlanner} refuses
   */
  public static Selected select(LayerSelection selection, MiniBatchRule rule, List<Shard> shards)
      throws MalformedFileException {
    ActivationPlanner planner = new ActivationPlanner(selection, rule, shards);
    for (Shard shard : planner.shards) {
      for (ShardTensor tensor : shard.tensors()) {
        planner.consider(shard.file(), tensor);
      }
    }
    return planner.selected();
  }

  private void consider(StoredFile file, ShardTensor tensor) throws MalformedFileException {
    Optional<String> layer = selection.layerOf(tensor.name());
    if (layer.isEmpty()) {
      throw bad(
          file,
          tensor,
          "LAYER_NAME",
          "tensor " + tensor.name() + " does not match the layer pattern " + selection.pattern());
    }
    names.add(layer.get());
    if (!selection.isWanted(layer.get())) {
      return;
    }
    WantedTensor candidate =
        new WantedTensor(
            layer.get(),
            selection.keyOf(tensor.name()),
            file,
            tensor,
            view(layer.get(), file, tensor));
    LayerTotals totals = layers.computeIfAbsent(layer.get(), name -> new LayerTotals(candidate));
    if (totals.first.view().channels() != candidate.view().channels()) {
      throw bad(
          file,
          tensor,
          "SHAPE_MISMATCH",
          "tensor "
              + tensor.name()
              + " of shape "
              + tensor.shape()
              + " has "
              + candidate.view().channels()
              + " channels, but layer "
              + layer.get()
              + " has "
              + totals.first.view().channels()
              + " in tensor "
              + totals.first.tensor().name()
              + " of "
              + totals.first.file().display());
    }
    try {
      totals.add(candidate);
    } catch (ArithmeticException e) {
      throw bad(
          file,
          tensor,
          "SIZE_OVERFLOW",
          "with tensor "
              + tensor.name()
              + ", layer "
              + layer.get()
              + " has more than 2^63 - 1 values per channel or bytes");
    }
    requireRowsTogether(candidate);
    miniBatches.add(
        candidate.layer(), candidate.key(), candidate.view(), candidate.rows(), 1, candidate);
    wanted.add(candidate);
  }

  /** All mini-batches of the tensor would be open at a time. */
  private void requireRowsTogether(WantedTensor candidate) throws MalformedFileException {
    if (candidate.tensor().order() == ElementOrder.COLUMN_MAJOR
        && rule.batching().kind() == MiniBatching.Kind.ROWS
        && rule.batching().rows() < candidate.rows()) {
      throw candidate.bad(
          "COLUMN_MAJOR",
          "tensor "
              + candidate.tensor().name()
              + " is in Fortran order, so that its rows do not lie together, but "
              + rule.batching().rows()
              + " of them are a mini-batch; numpy.ascontiguousarray puts them together");
    }
  }

  private ChannelView view(String layer, StoredFile file, ShardTensor tensor)
      throws MalformedFileException {
    ChannelView view;
    try {
      view = selection.layoutOf(layer).view(tensor.shape(), tensor.order());
    } catch (IllegalArgumentException e) {
      String hint = tensor.shape().rank() < 2 ? "; --layers can leave it out" : "";
      throw bad(
          file,
          tensor,
          tensor.shape().rank() < 2 ? "RANK_TOO_SMALL" : "SHAPE_MISMATCH",
          "tensor " + tensor.name() + ": " + e.getMessage() + hint);
    }
    if (view.channels() > MOST_CHANNELS) {
      throw bad(
          file,
          tensor,
          "TOO_MANY_CHANNELS",
          "tensor "
              + tensor.name()
              + " of shape "
              + tensor.shape()
              + " has "
              + view.channels()
              + " channels, expected at most "
              + MOST_CHANNELS);
    }
    return view;
  }

  static MalformedFileException bad(
      StoredFile file, ShardTensor tensor, String code, String reason) {
    return new MalformedFileException(file.display(), tensor.offset(), code, reason);
  }

  private Selected selected() throws MalformedFileException {
    MiniBatchPlan plan = miniBatches.plan();
    Map<String, Long> counts = new HashMap<>();
    List<MiniBatches> ofWanted = new ArrayList<>();
    for (int i = 0; i < wanted.size(); i++) {
      WantedTensor tensor = wanted.get(i);
      MiniBatches found = plan.of(tensor.layer(), tensor.key(), i, tensor.view(), tensor.rows());
      ofWanted.add(found);
      counts.merge(tensor.layer(), found.count(), Long::sum);
    }
    List<PlannedLayer> planned = new ArrayList<>();
    layers.forEach(
        (name, totals) -> planned.add(totals.planned(counts.get(name) + plan.shared(name))));
    planned.sort(Comparator.comparing(PlannedLayer::name));
    return new SelectedTensors(names, planned, wanted, ofWanted, plan);
  }
}
