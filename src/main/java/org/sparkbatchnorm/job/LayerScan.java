package org.sparkbatchnorm.job;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.MiniBatch;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchAccumulator;
import org.sparkbatchnorm.statistics.NonFiniteCounts;

/**
 * What has been counted of one layer, in one task or in several together. Mini-batches that lie
 * whole in a task are summed up at once; of one of which there are parts elsewhere, the moments are
 * kept until its last part is there. Where tensors or rows make mini-batches, at most those at the
 * edges of splits are held apart; where keys make them, those that begin in one split and end in
 * another, which the planner has few of, except of a table, whose rows are counted as they come.
 */
final class LayerScan implements Serializable {
  private static final long serialVersionUID = 1L;

  private final Place firstSeen;
  private final MiniBatchAccumulator averages;
  private ChannelMoments pooled;
  private long miniBatches;
  private long elements;

  private final Map<MiniBatch.Id, Fragment> fragments = new HashMap<>();

  /** What is there of a mini-batch so far. */
  private record Fragment(ChannelMoments moments, long elements, MiniBatch batch)
      implements Serializable {
    private static final long serialVersionUID = 1L;

    Fragment merge(Fragment other) {
      return new Fragment(moments.merge(other.moments), elements + other.elements, batch);
    }
  }

  LayerScan(int channels, Counting counting, Place firstSeen) {
    this.firstSeen = firstSeen;
    pooled = ChannelMoments.empty(channels, counting.accumulation());
    averages = MiniBatchAccumulator.forChannels(channels, counting.terms());
  }

  int channels() {
    return pooled.channels();
  }

  NonFiniteCounts nonFinite() {
    return pooled.nonFinite();
  }

  Place firstSeen() {
    return firstSeen;
  }

  /** Elements counted, finite or not. */
  long elements() {
    return elements;
  }

  /** Adds values whose mini-batches are of no interest. */
  void addPooled(ChannelMoments moments) {
    pooled = pooled.merge(moments);
  }

  /** Adds so many values of a mini-batch. */
  void addMiniBatch(ChannelMoments moments, long count, MiniBatch batch) {
    addPooled(moments);
    addFragment(batch.id(), new Fragment(moments, count, batch));
  }

  /** Notes that a part is being counted. */
  void note(TensorPart part) {
    elements = Math.addExact(elements, part.elements());
    if (part.firstElement() == 0) {
      addMiniBatches(part.miniBatches().count());
    }
  }

  /** Says that there are so many mini-batches of which no tensor is noted to have them. */
  void addMiniBatches(long more) {
    miniBatches += more;
  }

  private void addFragment(MiniBatch.Id id, Fragment fragment) {
    Fragment before = fragments.remove(id);
    Fragment merged = before == null ? fragment : before.merge(fragment);
    MiniBatch batch = merged.batch;
    if (merged.elements == batch.elements()) {
      averages.add(
          merged.moments,
          new MiniBatchAccumulator.MiniBatch(batch.name(), batch.rows(), batch.followers()));
    } else {
      fragments.put(id, merged);
    }
  }

  /**
   * Adds what another task counted of the same layer.
   *
   * @throws MalformedFileException if the numbers of channels differ
   */
  void merge(String layer, LayerScan other) throws MalformedFileException {
    requireChannels(layer, other.channels(), other.firstSeen);
    pooled = pooled.merge(other.pooled);
    miniBatches += other.miniBatches;
    elements = Math.addExact(elements, other.elements);
    averages.merge(other.averages);
    other.fragments.forEach(this::addFragment);
  }

  /** Checks that a tensor found at a place belongs here. */
  void requireChannels(String layer, int found, Place place) throws MalformedFileException {
    if (found != channels()) {
      Place later = firstSeen.compareTo(place) <= 0 ? place : firstSeen;
      Place earlier = later.equals(place) ? firstSeen : place;
      int laterChannels = later.equals(place) ? found : channels();
      int earlierChannels = later.equals(place) ? channels() : found;
      throw later.failure(
          "SHAPE_MISMATCH",
          "layer "
              + layer
              + " has "
              + laterChannels
              + " channels here, but "
              + earlierChannels
              + " in "
              + earlier.file()
              + ", "
              + earlier.text());
    }
  }

  /**
   * The layer's moments, once all tasks are merged.
   *
   * @throws IllegalStateException if a mini-batch is not complete
   */
  LayerMoments moments(String layer) {
    if (!fragments.isEmpty()) {
      throw new IllegalStateException(
          "layer " + layer + ": " + fragments.size() + " mini-batches were not counted whole");
    }
    return new LayerMoments(layer, pooled, miniBatches, averages.snapshot());
  }
}
