package org.sparkbatchnorm.source;

import java.io.Serializable;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * The mini-batches of all layers, as far as a tensor does not tell them by itself: which tensors
 * are parts of the same one, and how many come after it in the order of its layer. Made by {@link
 * MiniBatchPlanner} before anything is counted. It has an entry for each key of each layer, and
 * none at all if keys are of no importance. Immutable; can be sent to executors.
 */
public final class MiniBatchPlan implements Serializable {
  private static final long serialVersionUID = 1L;

  private final MiniBatchRule rule;
  private final Map<String, Map<String, Entry>> layers;

  /**
   * What the tensors of a layer with an equal key have in common.
   *
   * @param number the same for no other key of the layer; rises in their order
   * @param elements of all of them
   * @param rows of all of them
   * @param followers how many mini-batches come after their last one
   */
  record Entry(long number, long elements, long rows, long followers) implements Serializable {
    private static final long serialVersionUID = 1L;
  }

  /** Takes ownership. The key of a tensor without one is null. */
  MiniBatchPlan(MiniBatchRule rule, Map<String, Map<String, Entry>> layers) {
    this.rule = rule;
    this.layers = layers;
  }

  /** The plan for mini-batches whose keys are of no importance. */
  public static MiniBatchPlan withoutKeys(MiniBatchRule rule) {
    return new MiniBatchPlan(rule, new HashMap<>());
  }

  /** What it was made by. */
  public MiniBatchRule rule() {
    return rule;
  }

  /**
   * The mini-batches of a tensor.
   *
   * @param number the same for no other tensor of its layer
   * @param rows length of its outer axis
   * @throws IllegalStateException if it was not there when the plan was made
   */
  public MiniBatches of(
      String layer, Optional<String> key, long number, ChannelView view, long rows) {
    Entry entry = entry(layer, key.orElse(null));
    if (entry == null && rule.needsKey(view, rows)) {
      throw new IllegalStateException(
          "layer "
              + layer
              + ": a tensor of key "
              + key.orElse("(none)")
              + " was not there when mini-batches were planned");
    }
    long followers = entry == null ? 0 : entry.followers();
    if (isByKey()) {
      MiniBatch.Id id = new MiniBatch.Id(entry.number(), 0);
      return new MiniBatches.OfKey(
          new MiniBatch(
              id,
              "of key " + key.orElseThrow(),
              entry.elements(),
              entry.rows(),
              followers,
              view.elements()));
    }
    return rule.batching().kind() == MiniBatching.Kind.ROWS && view.elements() > 0
        ? rule.byRows(number, view, rows, followers)
        : new MiniBatches.OfTensor(number, view.elements(), rows, followers);
  }

  private Entry entry(String layer, String key) {
    Map<String, Entry> keys = layers.get(layer);
    return keys == null ? null : keys.get(key);
  }

  /** Place of a key among those of its layer where equal keys make mini-batches, else 0. */
  long place(String layer, Optional<String> key) {
    return isByKey() ? entry(layer, key.orElse(null)).number() : 0;
  }

  /** How many mini-batches of a layer that tensors share hold values. */
  public long shared(String layer) {
    return isByKey()
        ? layers.getOrDefault(layer, Map.of()).values().stream()
            .filter(entry -> entry.elements() > 0)
            .count()
        : 0;
  }

  private boolean isByKey() {
    return rule.batching().kind() == MiniBatching.Kind.KEY;
  }
}
