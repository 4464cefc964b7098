package org.sparkbatchnorm.format.torch;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.torch.PickleNode.Call;
import org.sparkbatchnorm.format.torch.PickleNode.Dict;
import org.sparkbatchnorm.format.torch.PickleNode.Scalar;
import org.sparkbatchnorm.format.torch.PickleNode.Text;
import org.sparkbatchnorm.format.torch.PickleNode.Tuple;

/**
 * The dict of tensors among what a pickle describes: the value itself, or one of its items. Only a
 * dict or an OrderedDict is one; an object of another class is never looked into.
 */
final class StateDict {
  /** Where trainers keep it. */
  private static final List<String> USUAL_KEYS = List.of("state_dict", "model", "model_state_dict");

  private static final String RUNNING_MEAN = "running_mean";

  private static final int LISTED = 10;

  private final TorchArchive archive;

  StateDict(TorchArchive archive) {
    this.archive = archive;
  }

  /**
   * Its tensors by name, in its order.
   *
   * @param key of the item that it is; empty to look for it
   */
  Map<String, Call> find(PickleNode root, Optional<String> key) throws MalformedFileException {
    PickleNode found = key.isPresent() ? named(root, key.get()) : searched(root);
    if (found.foreign() != null) {
      throw new MalformedFileException(
          archive.name(),
          found.foreign().offset(),
          "PICKLE_GLOBAL",
          "the state dict holds "
              + found.foreign().name()
              + ", expected tensors alone; nothing was loaded or run");
    }
    return tensors(items(found).orElseThrow());
  }

  /**
   * Where else running means stand beside a state dict that was looked for and found: averaged
   * weights, say, that a trainer keeps of the same net.
   */
  List<String> others(PickleNode root) {
    Dict top = items(root).orElseThrow();
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < top.keys().size(); i++) {
      if (top.keys().get(i) instanceof Text key
          && !USUAL_KEYS.contains(key.text())
          && items(top.values().get(i)).filter(StateDict::holdsRunningMeans).isPresent()) {
        keys.add(key.text());
      }
    }
    return keys;
  }

  private static boolean holdsRunningMeans(Dict dict) {
    return dict.holdsTensors()
        && dict.keys().stream()
            .anyMatch(key -> key instanceof Text text && text.text().endsWith(RUNNING_MEAN));
  }

  private PickleNode named(PickleNode root, String key) throws MalformedFileException {
    PickleNode value = items(root).map(items -> value(items, key)).orElse(null);
    if (value == null || !holdsTensors(value)) {
      throw noStateDict(
          (value == null ? "no '" + key + "'" : "'" + key + "' is no dict of tensors")
              + held(root));
    }
    return value;
  }

  private PickleNode searched(PickleNode root) throws MalformedFileException {
    Dict top = items(root).orElse(null);
    if (top == null) {
      throw noStateDict(
          root instanceof Call call
              ? "an object of " + call.function() + " was saved; save its state_dict()"
              : "what was saved is no dict");
    }
    List<String> usual =
        USUAL_KEYS.stream()
            .filter(
                key ->
                    Optional.ofNullable(value(top, key))
                        .filter(StateDict::holdsTensors)
                        .isPresent())
            .toList();
    if (usual.size() > 1) {
      throw archive.malformedPickle(
          "STATE_DICT_AMBIGUOUS",
          "'"
              + String.join("' and '", usual)
              + "' are dicts of tensors; say which one is meant, by checkpoint.state-dict");
    }
    if (usual.size() == 1) {
      return value(top, usual.get(0));
    }
    // A step or a loss may be a tensor; beside a dict of tensors it makes no state dict of the top.
    if (!holdsTensors(root) || top.values().stream().anyMatch(StateDict::holdsTensors)) {
      requireNoObject(top);
      throw noStateDict(
          "neither what was saved nor its 'state_dict', 'model' or 'model_state_dict' is a dict of"
              + " tensors"
              + held(root)
              + "; checkpoint.state-dict can name another key");
    }
    return root;
  }

  /** A whole module is pickled code; that deserves its own message. */
  private void requireNoObject(Dict top) throws MalformedFileException {
    for (String key : USUAL_KEYS) {
      if (value(top, key) instanceof Call object && items(object).isEmpty()) {
        throw noStateDict(
            "'" + key + "' is an object of " + object.function() + "; save its state_dict()");
      }
    }
  }

  /** The keys that may be meant. */
  private String held(PickleNode root) {
    List<String> keys = new ArrayList<>();
    items(root)
        .ifPresent(
            top -> {
              for (int i = 0; i < top.keys().size(); i++) {
                if (top.keys().get(i) instanceof Text key && holdsTensors(top.values().get(i))) {
                  keys.add("'" + key.text() + "'");
                }
              }
            });
    return keys.isEmpty()
        ? ""
        : ", but there is "
            + keys.stream().limit(LISTED).collect(Collectors.joining(", "))
            + (keys.size() > LISTED ? ", ..." : "");
  }

  private static boolean holdsTensors(PickleNode node) {
    return items(node).filter(Dict::holdsTensors).isPresent();
  }

  /** The items of a dict or an OrderedDict. */
  private static Optional<Dict> items(PickleNode node) {
    if (node instanceof Dict dict) {
      return Optional.of(dict);
    }
    return node instanceof Call call
            && call.function().equals(KnownGlobals.ORDERED_DICT)
            && call.arguments() == Tuple.EMPTY
        ? Optional.of(call.items())
        : Optional.empty();
  }

  /** The value under a key, the last one as in Python, or null. */
  private static PickleNode value(Dict dict, String key) {
    for (int i = dict.keys().size() - 1; i >= 0; i--) {
      if (dict.keys().get(i) instanceof Text text && text.text().equals(key)) {
        return dict.values().get(i);
      }
    }
    return null;
  }

  private Map<String, Call> tensors(Dict dict) throws MalformedFileException {
    Map<String, Call> tensors = new LinkedHashMap<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < dict.keys().size(); i++) {
      PickleNode key = dict.keys().get(i);
      if (key == Scalar.LONG_TEXT) {
        throw archive.malformedPickle(
            "NAME_TOO_LONG", "a key of the state dict has more than 65536 bytes");
      }
      if (!(key instanceof Text text)) {
        continue;
      }
      if (!names.add(text.text())) {
        throw archive.malformedPickle(
            "DUPLICATE_KEY", "second '" + text.text() + "' in the state dict");
      }
      if (dict.values().get(i) instanceof Call call && call.makesTensor()) {
        tensors.put(text.text(), call);
      }
    }
    return tensors;
  }

  private MalformedFileException noStateDict(String reason) {
    return archive.malformedPickle("NO_STATE_DICT", reason);
  }
}
