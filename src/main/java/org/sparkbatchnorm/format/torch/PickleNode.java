package org.sparkbatchnorm.format.torch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A value that a pickle describes. Nothing is constructed of it: a call is its function's name and
 * its arguments. Lists, sets, numbers with fractions and bytes are told apart from nothing else,
 * and what they hold is dropped.
 *
 * <p>A node knows how deep it nests and whether a global that is not understood stands in it, from
 * what was put into it while it was built.
 */
abstract class PickleNode {
  private int depth;
  private Global foreign;
  private int gets;

  /** Takes note of what it holds. */
  final void hold(PickleNode child) {
    depth = Math.max(depth, child.depth + 1);
    if (foreign == null) {
      foreign = child.foreign;
    }
  }

  /** Takes note that it holds what only its own code could make sense of. */
  final void holdForeign(Global global) {
    foreign = global;
  }

  /** How many containers are nested in it; 0 for a scalar. */
  final int depth() {
    return depth;
  }

  /** A global in it that is not understood, or null. */
  final Global foreign() {
    return foreign;
  }

  /** Takes note that the pickle uses it once more. */
  final void get() {
    gets++;
  }

  /** Whether the pickle has it in more than one place. */
  final boolean isUsedTwice() {
    return gets > 0;
  }

  /** What is of no interest: None, a truth, a fraction, bytes. */
  static final class Scalar extends PickleNode {
    static final Scalar PLAIN = new Scalar();

    /** A text that is too long for a name. */
    static final Scalar LONG_TEXT = new Scalar();

    private Scalar() {}
  }

  /** A text. */
  static final class Text extends PickleNode {
    private final String text;

    Text(String text) {
      this.text = text;
    }

    String text() {
      return text;
    }
  }

  /** An integer. */
  static final class Whole extends PickleNode {
    private static final Whole[] SMALL = new Whole[256];

    static {
      Arrays.setAll(SMALL, Whole::new);
    }

    private final long value;

    private Whole(long value) {
      this.value = value;
    }

    static Whole of(long value) {
      return value >= 0 && value < SMALL.length ? SMALL[(int) value] : new Whole(value);
    }

    long value() {
      return value;
    }
  }

  /** A name of Python's: a class, a function. */
  static final class Global extends PickleNode {
    private final String name;
    private final long offset;

    /** A global of this module and name, called at this offset in the file. */
    Global(String module, String name, long offset) {
      this.name = module.isEmpty() ? name : module + "." + name;
      this.offset = offset;
      if (!KnownGlobals.contains(this.name)) {
        holdForeign(this);
      }
    }

    String name() {
      return name;
    }

    long offset() {
      return offset;
    }
  }

  /** A tuple. */
  static final class Tuple extends PickleNode {
    static final Tuple EMPTY = new Tuple(List.of());

    private final List<PickleNode> items;

    Tuple(List<PickleNode> items) {
      this.items = items;
      items.forEach(this::hold);
    }

    List<PickleNode> items() {
      return items;
    }
  }

  /** A list or a set, whose contents are of no interest. */
  static final class Collection extends PickleNode {}

  /** A dict, in the order of its items; a key may come twice. */
  static final class Dict extends PickleNode {
    private final List<PickleNode> keys = new ArrayList<>(0);
    private final List<PickleNode> values = new ArrayList<>(0);
    private boolean tensors;

    void put(PickleNode key, PickleNode value) {
      hold(key);
      hold(value);
      keys.add(key);
      values.add(value);
      tensors |= value instanceof Call call && call.makesTensor();
    }

    /** Whether one of the values is a tensor; told at once, for a pickle may ask it often. */
    boolean holdsTensors() {
      return tensors;
    }

    List<PickleNode> keys() {
      return keys;
    }

    List<PickleNode> values() {
      return values;
    }
  }

  /** What a function returns, or a class makes: never called. */
  static final class Call extends PickleNode {
    private final PickleNode function;
    private final PickleNode arguments;
    private Dict items;

    Call(PickleNode function, PickleNode arguments, long offset) {
      this.function = function;
      this.arguments = arguments;
      hold(function);
      hold(arguments);
      if (!(function instanceof Global global)) {
        holdForeign(new Global("", "(a function that is computed)", offset));
      } else if (!KnownGlobals.isFunction(global.name())) {
        holdForeign(global);
      }
    }

    /** Name of the function; empty if it is not a global. */
    String function() {
      return function instanceof Global global ? global.name() : "";
    }

    /** Whether it makes a tensor, or a parameter of one. */
    boolean makesTensor() {
      return KnownGlobals.makesTensor(function());
    }

    PickleNode arguments() {
      return arguments;
    }

    /** The items that were set on it. */
    Dict items() {
      if (items == null) {
        items = new Dict();
      }
      return items;
    }

    void put(PickleNode key, PickleNode value) {
      hold(key);
      hold(value);
      items().put(key, value);
    }
  }

  /** What stands outside the pickle: a storage. */
  static final class Persistent extends PickleNode {
    private final PickleNode id;

    Persistent(PickleNode id) {
      this.id = id;
      hold(id);
    }

    /** Its five parts, if it is {@code ('storage', class, key, location, number of elements)}. */
    Optional<List<PickleNode>> storage() {
      return id instanceof Tuple tuple
              && tuple.items().size() == 5
              && tuple.items().get(0) instanceof Text kind
              && kind.text().equals("storage")
          ? Optional.of(tuple.items())
          : Optional.empty();
    }

    /** Key of the storage, if it is one. */
    Optional<String> storageKey() {
      return storage()
          .map(parts -> parts.get(2))
          .filter(Text.class::isInstance)
          .map(key -> ((Text) key).text());
    }
  }
}
