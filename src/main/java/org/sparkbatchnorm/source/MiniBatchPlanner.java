package org.sparkbatchnorm.source;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.MiniBatchPlan.Entry;
import org.sparkbatchnorm.source.MiniBatching.Kind;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * Makes a {@link MiniBatchPlan} of all tensors that will be counted: which keys each layer has,
 * what belongs to each, and the order of their mini-batches. Not thread-safe.
 */
public final class MiniBatchPlanner {
  private static final String NAMING =
      "name tensors LAYER/NUMBER, let group batch of input.layer-pattern match, or fill a table's"
          + " column batch (input.columns.batch)";

  private final MiniBatchRule rule;
  private final Map<String, Map<String, Keyed>> layers = new HashMap<>();

  /** Where a tensor is, for messages. */
  public interface Origin {
    /** What messages call it. */
    String display();

    /** An exception that names its file. */
    MalformedFileException bad(String code, String reason);
  }

  /** The tensors of a layer with an equal key, so far. */
  private static final class Keyed {
    private final Origin first;
    private long elements;
    private long valuesPerChannel;
    private long rows;
    private long places;

    Keyed(Origin first) {
      this.first = first;
    }
  }

  /** A planner that knows of no tensors. */
  public MiniBatchPlanner(MiniBatchRule rule) {
    this.rule = rule;
  }

  /**
   * Adds a tensor, or several that differ in nothing of this.
   *
   * @param rows length of the outer axis
   * @param count how many there are
   * @throws MalformedFileException {@code MINI_BATCH_KEY} if there is no key, and equal keys make
   *     mini-batches; {@code MINI_BATCH_ORDER} if their order matters, and the key does not give
   *     one; {@code SIZE_OVERFLOW} if a mini-batch exceeds 2^63 - 1 elements
   */
  public void add(
      String layer, Optional<String> key, ChannelView view, long rows, long count, Origin origin)
      throws MalformedFileException {
    boolean byKey = rule.batching().kind() == Kind.KEY;
    if (!rule.needsKeys() || !rule.needsKey(view, rows)) {
      return;
    }
    if (byKey && key.isEmpty()) {
      throw origin.bad(
          "MINI_BATCH_KEY",
          origin.display() + " has no key that says which mini-batch it is part of; " + NAMING);
    }
    Map<String, Keyed> keys = layers.computeIfAbsent(layer, name -> new HashMap<>());
    Keyed before = keys.get(key.orElse(null));
    if (!byKey && (before != null || count > 1)) {
      throw withoutOrder(key, origin, before == null ? origin : before.first);
    }
    Keyed keyed = keys.computeIfAbsent(key.orElse(null), text -> new Keyed(origin));
    try {
      keyed.elements = Math.addExact(keyed.elements, Math.multiplyExact(view.elements(), count));
    } catch (ArithmeticException e) {
      throw origin.bad(
          "SIZE_OVERFLOW",
          "with " + origin.display() + ", its mini-batch has more than 2^63 - 1 elements");
    }
    keyed.valuesPerChannel += view.elementsPerChannel() * count;
    keyed.rows += rows * count;
    keyed.places = byKey ? rule.hasPlace(keyed.valuesPerChannel) : rule.places(view, rows);
  }

  private static MalformedFileException withoutOrder(
      Optional<String> key, Origin origin, Origin before) {
    String other = before == origin ? "another" : before.display();
    return key.isEmpty()
        ? withoutKey(origin)
        : origin.bad(
            "MINI_BATCH_ORDER",
            "a moving average needs an order of the mini-batches, but "
                + origin.display()
                + " has the same key as "
                + other
                + ": "
                + key.get()
                + "; give each a key of its own, or let --mini-batch key make one mini-batch of"
                + " them");
  }

  private static MalformedFileException withoutKey(Origin origin) {
    return origin.bad(
        "MINI_BATCH_ORDER",
        "a moving average needs an order of the mini-batches, but "
            + origin.display()
            + " has no key; "
            + NAMING
            + "; --momentum none needs no order");
  }

  /**
   * The plan.
   *
   * @throws MalformedFileException {@code MINI_BATCH_ORDER} if the order matters, and some keys of
   *     a layer do not give one
   */
  public MiniBatchPlan plan() throws MalformedFileException {
    Map<String, Map<String, Entry>> planned = new HashMap<>();
    for (Map.Entry<String, Map<String, Keyed>> layer : layers.entrySet()) {
      planned.put(layer.getKey(), ordered(layer.getValue()));
    }
    return new MiniBatchPlan(rule, planned);
  }

  private Map<String, Entry> ordered(Map<String, Keyed> keys) throws MalformedFileException {
    if (keys.containsKey(null) && keys.size() > 1) {
      throw withoutKey(keys.get(null).first);
    }
    Set<String> texts = keys.keySet().stream().filter(Objects::nonNull).collect(Collectors.toSet());
    MiniBatchOrder order = MiniBatchOrder.of(texts);
    if (rule.isOrdered()) {
      requireOrder(order, keys);
    }
    Map<String, Entry> entries = new HashMap<>();
    if (keys.containsKey(null)) {
      entries.put(null, entry(0, keys.get(null), 0));
    }
    long followers = 0;
    for (int number = order.size() - 1; number >= 0; number--) {
      String key = order.key(number);
      Keyed keyed = keys.get(key);
      entries.put(key, entry(number, keyed, followers));
      followers += keyed.places;
    }
    return entries;
  }

  private static Entry entry(long number, Keyed keyed, long followers) {
    return new Entry(number, keyed.elements, keyed.rows, followers);
  }

  private static void requireOrder(MiniBatchOrder order, Map<String, Keyed> keys)
      throws MalformedFileException {
    for (int place = 1; place < order.size(); place++) {
      if (order.isSameNumberAsBefore(place)) {
        Origin before = keys.get(order.key(place - 1)).first;
        Origin origin = keys.get(order.key(place)).first;
        throw origin.bad(
            "MINI_BATCH_ORDER",
            "a moving average needs an order of the mini-batches, but the key of "
                + origin.display()
                + " is the same number as that of "
                + before.display());
      }
    }
  }
}
