package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparkbatchnorm.format.Printable;

/** The tree of keys that {@link Setting} spans, and what is said about keys that are not in it. */
final class KnownKeys {
  private KnownKeys() {}

  /** Whether settings lie below this key: {@code input}, {@code input.columns}. */
  static boolean isSection(String key) {
    return !key.isEmpty() && !below(key).isEmpty();
  }

  /** The keys one level below a section, in the order of the table; the empty key is the root. */
  static List<String> below(String section) {
    String prefix = section.isEmpty() ? "" : section + ".";
    return Arrays.stream(Setting.values())
        .map(Setting::key)
        .filter(key -> key.startsWith(prefix))
        .map(key -> prefix + key.substring(prefix.length()).split("\\.", 2)[0])
        .distinct()
        .collect(Collectors.toUnmodifiableList());
  }

  /** All keys as {@code --set} takes them. */
  static List<String> forSet() {
    return Arrays.stream(Setting.values())
        .map(Setting::keyForSet)
        .collect(Collectors.toUnmodifiableList());
  }

  /** An exception about a key that is not in the tree. */
  static JobSpecException unknown(String place, String key, List<String> allowed) {
    return new JobSpecException(
        place
            + ": unknown key "
            + (key.isEmpty() ? "(empty)" : Printable.escape(key))
            + "; "
            + nearest(key)
                .filter(near -> !near.equals(key))
                .map(near -> "did you mean " + near + "? ")
                .orElse("")
            + "allowed: "
            + String.join(", ", allowed));
  }

  /**
   * The key that is near word by word, each at its own level; failing that, the setting whose last
   * word or option is near the last word, for keys in the wrong section.
   */
  private static Optional<String> nearest(String key) {
    List<String> words = List.of(key.split("\\.", -1));
    Optional<String> near = Optional.of("");
    for (String word : words) {
      Optional<Setting> map =
          near.flatMap(Setting::ofKey).filter(setting -> setting.kind() == Setting.Kind.MAP);
      if (map.isPresent()) {
        return map.map(Setting::keyForSet);
      }
      near = near.flatMap(section -> nearestBelow(section, word));
    }
    return near.isPresent() ? near : nearestAnywhere(words.get(words.size() - 1));
  }

  private static Optional<String> nearestBelow(String section, String word) {
    Map<String, String> keys = new LinkedHashMap<>();
    below(section).forEach(key -> keys.put(lastWord(key), key));
    return NearestName.of(word, keys.keySet()).map(keys::get);
  }

  private static Optional<String> nearestAnywhere(String word) {
    Map<String, String> keys = new LinkedHashMap<>();
    for (Setting setting : Setting.values()) {
      List<String> words = new ArrayList<>(List.of(lastWord(setting.key())));
      setting.option().ifPresent(option -> words.add(option.substring("--".length())));
      words.forEach(name -> keys.putIfAbsent(name, setting.key()));
    }
    return NearestName.of(word, keys.keySet()).map(keys::get);
  }

  private static String lastWord(String key) {
    return key.substring(key.lastIndexOf('.') + 1);
  }
}
