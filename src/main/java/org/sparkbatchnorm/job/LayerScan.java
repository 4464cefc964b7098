package org.sparkbatchnorm.job;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.estimator.Estimator.Needs;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchAverages;
import org.sparkbatchnorm.statistics.NonFiniteCounts;

/**
 * What has been counted of one layer, in one task or in several together. Mini-batches that lie
 * whole in a task are summed up at once; of one that a split cut, the moments are kept until its
 * last piece is there, so that at most the mini-batches at the edges of splits are held apart.
 */
final class LayerScan implements Serializable {
  private static final long serialVersionUID = 1L;

  private final Place firstSeen;
  private ChannelMoments pooled;
  private long miniBatches;
  private long elements;

  /** Null until there is a mini-batch: two more states, which most jobs do without. */
  private MiniBatchAverages averages;

  private final Map<Long, Fragment> fragments = new HashMap<>();

  /** Part of a mini-batch. */
  private record Fragment(ChannelMoments moments, long elements, long wholeElements, String name)
      implements Serializable {
    private static final long serialVersionUID = 1L;

    Fragment merge(Fragment other) {
      return new Fragment(
          moments.merge(other.moments), elements + other.elements, wholeElements, name);
    }
  }

  LayerScan(int channels, Accumulation accumulation, Place firstSeen) {
    this.firstSeen = firstSeen;
    pooled = ChannelMoments.empty(channels, accumulation);
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

  /** Adds the values of one part of a mini-batch. */
  void addMiniBatch(ChannelMoments moments, TensorPart part) {
    addPooled(moments);
    addFragment(
        part.tensor(),
        new Fragment(moments, part.elements(), part.view().elements(), part.miniBatch()));
  }

  /** Notes that a part is being counted. */
  void note(TensorPart part) {
    elements = Math.addExact(elements, part.elements());
    if (part.firstElement() == 0 && part.elements() > 0) {
      miniBatches++;
    }
  }

  private void addFragment(long tensor, Fragment fragment) {
    Fragment merged =
        fragments.containsKey(tensor) ? fragments.remove(tensor).merge(fragment) : fragment;
    if (merged.elements == merged.wholeElements) {
      addAverages(MiniBatchAverages.of(merged.moments, merged.name));
    } else {
      fragments.put(tensor, merged);
    }
  }

  private void addAverages(MiniBatchAverages others) {
    averages = averages == null ? others : averages.plus(others);
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
    if (other.averages != null) {
      addAverages(other.averages);
    }
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
   * @param needs what the tasks were told to keep
   * @throws IllegalStateException if a mini-batch is not complete
   */
  LayerMoments moments(String layer, Needs needs) {
    if (!fragments.isEmpty()) {
      throw new IllegalStateException(
          "layer " + layer + ": " + fragments.size() + " mini-batches were not counted whole");
    }
    if (needs == Needs.MINI_BATCHES && averages == null) {
      averages = MiniBatchAverages.none(channels());
    }
    return new LayerMoments(layer, pooled, miniBatches, Optional.ofNullable(averages));
  }
}
