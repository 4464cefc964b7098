package org.sparkbatchnorm.source;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.ActivationPlan.PlannedLayer;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * Makes a plan from headers: who belongs to which layer, and whether the tensors of a layer agree.
 */
public final class ActivationPlanner {
  /** Far beyond any network; moments take memory for each, even of a tensor without elements. */
  private static final int MOST_CHANNELS = 1 << 20;

  private final LayerSelection selection;
  private final List<Shard> shards;
  private final Map<String, LayerTotals> layers = new HashMap<>();
  private final Set<String> names = new TreeSet<>();
  private final List<Candidate> wanted = new ArrayList<>();
  private final Set<StoredFile> files = new HashSet<>();

  private ActivationPlanner(LayerSelection selection, List<Shard> shards) {
    this.selection = selection;
    this.shards =
        shards.stream().sorted(Comparator.comparing(shard -> shard.file().uri())).toList();
  }

  /** A wanted tensor before layers are numbered. */
  private record Candidate(String layer, StoredFile file, ShardTensor tensor, ChannelView view) {}

  /** What is known of a layer so far; the first tensor decides C. */
  private static final class LayerTotals {
    private final Candidate first;
    private long tensors;
    private long miniBatches;
    private long valuesPerChannel;
    private long bytes;

    LayerTotals(Candidate first) {
      this.first = first;
    }

    void add(Candidate candidate) {
      tensors++;
      miniBatches += candidate.view.elements() > 0 ? 1 : 0;
      valuesPerChannel = Math.addExact(valuesPerChannel, candidate.view.elementsPerChannel());
      bytes = Math.addExact(bytes, candidate.tensor.bytes());
    }

    PlannedLayer planned() {
      return new PlannedLayer(
          first.layer, first.view.channels(), tensors, miniBatches, valuesPerChannel, bytes);
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
   *     {@code SIZE_OVERFLOW} if a layer exceeds 2^63 - 1 bytes or values per channel
   */
  public static Selected select(LayerSelection selection, List<Shard> shards)
      throws MalformedFileException {
    ActivationPlanner planner = new ActivationPlanner(selection, shards);
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
    Candidate candidate = new Candidate(layer.get(), file, tensor, view(layer.get(), file, tensor));
    LayerTotals totals = layers.computeIfAbsent(layer.get(), name -> new LayerTotals(candidate));
    if (totals.first.view.channels() != candidate.view.channels()) {
      throw bad(
          file,
          tensor,
          "SHAPE_MISMATCH",
          "tensor "
              + tensor.name()
              + " of shape "
              + tensor.shape()
              + " has "
              + candidate.view.channels()
              + " channels, but layer "
              + layer.get()
              + " has "
              + totals.first.view.channels()
              + " in tensor "
              + totals.first.tensor.name()
              + " of "
              + totals.first.file.display());
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
    wanted.add(candidate);
    files.add(file);
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

  private static MalformedFileException bad(
      StoredFile file, ShardTensor tensor, String code, String reason) {
    return new MalformedFileException(file.display(), tensor.offset(), code, reason);
  }

  private Selected selected() {
    List<PlannedLayer> planned =
        layers.values().stream()
            .map(LayerTotals::planned)
            .sorted(Comparator.comparing(PlannedLayer::name))
            .toList();
    Map<String, Integer> indexes = new HashMap<>();
    planned.forEach(layer -> indexes.put(layer.name(), indexes.size()));
    long bytes = planned.stream().mapToLong(PlannedLayer::bytes).sum();
    return new Selected() {
      @Override
      public Set<String> names() {
        return Collections.unmodifiableSet(names);
      }

      @Override
      public List<PlannedLayer> layers() {
        return planned;
      }

      @Override
      public long bytes() {
        return bytes;
      }

      @Override
      public ActivationPlan cut(long splitBytes) {
        SplitCutter cutter = new SplitCutter(splitBytes);
        for (int i = 0; i < wanted.size(); i++) {
          Candidate candidate = wanted.get(i);
          cutter.add(
              new PlannedTensor(
                  i,
                  indexes.get(candidate.layer),
                  candidate.file,
                  candidate.tensor.name(),
                  candidate.tensor.dtype(),
                  candidate.tensor.ordering(),
                  candidate.view,
                  candidate.tensor.offset()),
              rowElements(candidate.tensor));
        }
        return new ActivationPlan(planned, cutter.splits(), files.size(), wanted.size(), bytes);
      }
    };
  }

  /** Elements of one index of the outermost axis in the file. */
  private static long rowElements(ShardTensor tensor) {
    int last = tensor.shape().rank() - 1;
    return switch (tensor.order()) {
      case ROW_MAJOR -> tensor.shape().elements(1, last + 1);
      case COLUMN_MAJOR -> tensor.shape().elements(0, last);
    };
  }
}
