package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.sparkbatchnorm.format.Printable;

/**
 * One setting given one value, or a list of them, not yet converted: an option, a {@code --set}, or
 * a key of a job file. Immutable.
 */
public final class Assignment {
  private final Setting setting;
  private final String entry;
  private final List<SettingText> values;

  private Assignment(Setting setting, String entry, List<SettingText> values) {
    this.setting = setting;
    this.entry = entry;
    this.values = List.copyOf(values);
  }

  /**
   * What an option says: {@code --layout NCHW}. An option that is repeated is several assignments.
   *
   * @param value the option's argument; {@code "true"} for a flag
   * @throws IllegalArgumentException if the setting has no option
   */
  public static Assignment ofOption(Setting setting, String value) {
    String option =
        setting
            .option()
            .orElseThrow(
                () -> new IllegalArgumentException(setting.key() + " has no option of its own"));
    String place =
        setting.kind() == Setting.Kind.FLAG ? option : option + " " + Printable.escape(value);
    return of(setting, "", new SettingText(setting.key(), value, place));
  }

  /**
   * What {@code --set KEY=VALUE} says. The key ends at the first equals sign; that of an entry of a
   * map, which holds a glob, at the last one.
   *
   * @throws JobSpecException if there is no equals sign, or no setting of this key
   */
  public static Assignment parse(String keyEqualsValue) {
    String place = "--set " + Printable.escape(keyEqualsValue);
    Optional<Setting> map =
        Arrays.stream(Setting.values())
            .filter(setting -> setting.kind() == Setting.Kind.MAP)
            .filter(setting -> keyEqualsValue.startsWith(setting.key() + "."))
            .findFirst();
    int equals = map.isPresent() ? keyEqualsValue.lastIndexOf('=') : keyEqualsValue.indexOf('=');
    if (equals < 0) {
      throw new JobSpecException(place + ": expected KEY=VALUE");
    }
    String key = keyEqualsValue.substring(0, equals);
    SettingText value = new SettingText(key, keyEqualsValue.substring(equals + 1), place);
    Setting setting =
        map.or(() -> Setting.ofKey(key))
            .orElseThrow(() -> KnownKeys.unknown(place, key, KnownKeys.forSet()));
    if (setting.kind() != Setting.Kind.MAP) {
      return of(setting, "", value);
    }
    int entry = setting.key().length() + 1;
    if (key.length() <= entry) {
      throw new JobSpecException(place + ": expected " + setting.key() + "." + setting.argument());
    }
    return of(setting, key.substring(entry), value);
  }

  /** A default. */
  static Assignment ofDefault(Setting setting, String text) {
    return of(setting, "", new SettingText(setting.key(), text, "default"));
  }

  /** One text; a comma-separated one is taken apart. */
  static Assignment of(Setting setting, String entry, SettingText value) {
    if (setting.kind() != Setting.Kind.COMMA_LIST) {
      return new Assignment(setting, entry, List.of(value));
    }
    return ofList(
        setting,
        Arrays.stream(value.text().split(",", -1))
            .map(item -> new SettingText(value.key(), item.trim(), value.place()))
            .collect(Collectors.toUnmodifiableList()));
  }

  /** A list of texts, none of which is taken apart. */
  static Assignment ofList(Setting setting, List<SettingText> values) {
    return new Assignment(setting, "", values);
  }

  /** The same assignments, those of one list joined into one at the end. */
  static List<Assignment> collectLists(List<Assignment> assignments) {
    List<Assignment> collected = new ArrayList<>();
    Map<Setting, List<SettingText>> lists = new EnumMap<>(Setting.class);
    for (Assignment assignment : assignments) {
      Setting setting = assignment.setting;
      if (setting.kind() != Setting.Kind.LIST) {
        collected.add(assignment);
      } else {
        lists.computeIfAbsent(setting, list -> new ArrayList<>()).addAll(assignment.values);
      }
    }
    lists.forEach((setting, values) -> collected.add(ofList(setting, values)));
    return collected;
  }

  /** The setting. */
  Setting setting() {
    return setting;
  }

  /** Which entry of a map; empty for other settings. */
  String entry() {
    return entry;
  }

  /** The only value. */
  SettingText value() {
    return values.get(0);
  }

  /** All values, at least one. */
  List<SettingText> values() {
    return values;
  }
}
