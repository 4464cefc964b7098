package org.sparkbatchnorm.job;

import java.io.Serializable;
import java.util.BitSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * What one task, or several together, have counted: per layer, with the numbers of the splits it
 * comes from. Bad input is carried as a value, so that a task is not tried again for it, and the
 * failure reported does not depend on which task was first. Java-serializable; not thread-safe.
 */
final class ScanState implements Serializable {
  private static final long serialVersionUID = 1L;

  private final BitSet splits = new BitSet();
  private final Map<String, LayerScan> layers = new TreeMap<>();
  private final Set<String> kernels = new TreeSet<>();
  private Place firstNonFinite;
  private long rows;
  private MalformedFileException failure;
  private int failedSplit;

  /** Nothing counted. */
  static ScanState empty() {
    return new ScanState();
  }

  /** A split that could not be counted. */
  static ScanState failed(int split, MalformedFileException failure) {
    ScanState state = new ScanState();
    // The cause may be of a class that cannot be serialized, or that the driver does not have.
    state.failure = failure.withoutCause();
    state.failedSplit = split;
    return state;
  }

  /** Says that a split is counted in here, all of it. */
  ScanState completing(int split) {
    splits.set(split);
    return this;
  }

  /** The layer of a part, with as many channels as the part has. */
  LayerScan layer(TensorPart part, Counting counting) throws MalformedFileException {
    LayerScan layer = layers.get(part.layer());
    if (layer == null) {
      layer = new LayerScan(part.view().channels(), counting, part.places().apply(0));
      layers.put(part.layer(), layer);
    } else if (layer.channels() != part.view().channels()) {
      layer.requireChannels(part.layer(), part.view().channels(), part.places().apply(0));
    }
    return layer;
  }

  void nonFiniteAt(Place place) {
    firstNonFinite = Place.first(firstNonFinite, place);
  }

  /** Says which kernel counted. */
  void countedBy(String kernel) {
    kernels.add(kernel);
  }

  /** The kernels that counted, on all machines. */
  Set<String> kernels() {
    return kernels;
  }

  void countRow() {
    rows++;
  }

  /** Adds what another task counted; the other must not be used any more. */
  ScanState merge(ScanState other) {
    if (splits.intersects(other.splits)) {
      throw new IllegalStateException("a split was counted twice");
    }
    splits.or(other.splits);
    rows += other.rows;
    kernels.addAll(other.kernels);
    nonFiniteAt(other.firstNonFinite);
    if (other.failure != null && (failure == null || other.failedSplit < failedSplit)) {
      failure = other.failure;
      failedSplit = other.failedSplit;
    }
    if (failure == null) {
      mergeLayers(other);
    }
    return this;
  }

  private void mergeLayers(ScanState other) {
    try {
      for (Map.Entry<String, LayerScan> entry : other.layers.entrySet()) {
        LayerScan mine = layers.putIfAbsent(entry.getKey(), entry.getValue());
        if (mine != null) {
          mine.merge(entry.getKey(), entry.getValue());
        }
      }
    } catch (MalformedFileException e) {
      failure = e;
      failedSplit = Integer.MAX_VALUE;
    }
  }

  /**
   * Refuses a result with bad input in it.
   *
   * @throws MalformedFileException what the first bad split said
   */
  void requireGood() throws MalformedFileException {
    if (failure != null) {
      throw failure;
    }
  }

  /** Number of splits counted. */
  int splits() {
    return splits.cardinality();
  }

  /** Number of table rows counted. */
  long rows() {
    return rows;
  }

  Map<String, LayerScan> layers() {
    return layers;
  }

  /** C of each layer. */
  Map<String, Integer> channels() {
    Map<String, Integer> channels = new TreeMap<>();
    layers.forEach((name, layer) -> channels.put(name, layer.channels()));
    return channels;
  }

  /** The first value that is not finite, or null. */
  Place firstNonFinite() {
    return firstNonFinite;
  }
}
