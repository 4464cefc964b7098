package org.sparkbatchnorm.job;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.sparkbatchnorm.format.Printable;

/**
 * From a job file to assignments: every key is in the table of settings and stands once, and every
 * value is of the kind its setting takes. A value counts as the text that stands in the file, in
 * quotes or not, so that a layer may be named {@code 0}; only an unquoted boolean is refused where
 * no boolean belongs.
 */
final class JobFileReader {
  private final JobFile file;

  private JobFileReader(JobFile file) {
    this.file = file;
  }

  /**
   * The assignments in the order of the file.
   *
   * @throws JobSpecException if the file is anything but a job file
   */
  static List<Assignment> read(JobFile file) {
    Node root =
        StrictYaml.compose(file)
            .filter(node -> !isNothing(node))
            .orElseThrow(() -> new JobSpecException(file.name() + ": empty; " + expected("")));
    JobFileReader reader = new JobFileReader(file);
    if (!(root instanceof MappingNode mapping)) {
      throw new JobSpecException(
          reader.place(root) + ": found " + describe(root) + "; " + expected(""));
    }
    return reader.section("", mapping);
  }

  private List<Assignment> section(String section, MappingNode mapping) {
    List<Assignment> assignments = new ArrayList<>();
    Map<String, Integer> lines = new HashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      String key = once(section, tuple.getKeyNode(), lines);
      Node value = tuple.getValueNode();
      if (tuple.getKeyNode() instanceof ScalarNode word && word.getValue().contains(".")) {
        String reason = "; a dot stands for a level of nesting, and is not written here";
        throw new JobSpecException(place(word) + ": unknown key " + Printable.escape(key) + reason);
      }
      if (Setting.ofKey(key).isPresent()) {
        assignments.addAll(setting(Setting.ofKey(key).get(), value));
      } else if (!KnownKeys.isSection(key)) {
        throw KnownKeys.unknown(place(tuple.getKeyNode()), key, KnownKeys.below(section));
      } else if (value instanceof MappingNode below) {
        assignments.addAll(section(key, below));
      } else {
        throw wrong(key, value, "found " + describe(value) + "; " + expected(key));
      }
    }
    return assignments;
  }

  private List<Assignment> setting(Setting setting, Node value) {
    String key = setting.key();
    return switch (setting.kind()) {
      case SCALAR -> List.of(Assignment.of(setting, "", text(key, value, "expected a value")));
      case FLAG -> List.of(Assignment.of(setting, "", flag(key, value)));
      case LIST, COMMA_LIST -> List.of(list(setting, value));
      case MAP -> map(setting, value);
    };
  }

  private Assignment list(Setting setting, Node value) {
    String expected = "expected a value or a list of values";
    if (!(value instanceof SequenceNode sequence)) {
      return Assignment.of(setting, "", text(setting.key(), value, expected));
    }
    if (sequence.getValue().isEmpty()) {
      throw wrong(setting.key(), value, "found an empty list; " + expected);
    }
    return Assignment.ofList(
        setting,
        sequence.getValue().stream()
            .map(item -> text(setting.key(), item, "expected a value in the list"))
            .toList());
  }

  private List<Assignment> map(Setting setting, Node value) {
    if (!(value instanceof MappingNode mapping)) {
      String found = "found " + describe(value);
      throw wrong(
          setting.key(),
          value,
          found + "; expected a mapping from " + setting.argument().replace("=", " to "));
    }
    Map<String, Integer> lines = new HashMap<>();
    List<Assignment> entries = new ArrayList<>();
    for (NodeTuple tuple : mapping.getValue()) {
      String key = once(setting.key(), tuple.getKeyNode(), lines);
      SettingText entry = text(key, tuple.getValueNode(), "expected a value");
      entries.add(Assignment.of(setting, key.substring(setting.key().length() + 1), entry));
    }
    return entries;
  }

  /** The whole key, if it was not seen before. */
  private String once(String section, Node node, Map<String, Integer> lines) {
    if (!(node instanceof ScalarNode word)) {
      throw new JobSpecException(place(node) + ": found " + describe(node) + " as a key");
    }
    String key = section.isEmpty() ? word.getValue() : section + "." + word.getValue();
    Integer before = lines.putIfAbsent(key, line(node));
    if (before != null) {
      throw new JobSpecException(
          place(node) + ": duplicate key " + Printable.escape(key) + ", first on line " + before);
    }
    return key;
  }

  private SettingText flag(String key, Node node) {
    if (node instanceof ScalarNode scalar && !isNothing(node)) {
      return new SettingText(key, scalar.getValue(), place(node));
    }
    throw wrong(key, node, "found " + describe(node) + "; expected true or false");
  }

  private SettingText text(String key, Node node, String expected) {
    if (!(node instanceof ScalarNode scalar) || isNothing(node)) {
      throw wrong(key, node, "found " + describe(node) + "; " + expected);
    }
    if (node.getTag().equals(Tag.BOOL)) {
      throw wrong(
          key,
          node,
          "found " + describe(node) + "; " + expected + "; quote it if it is meant as text");
    }
    return new SettingText(key, scalar.getValue(), place(node));
  }

  private JobSpecException wrong(String key, Node node, String reason) {
    return new SettingText(key, "", place(node)).wrong(reason);
  }

  private String place(Node node) {
    return file.place(line(node));
  }

  private static int line(Node node) {
    return node.getStartMark().orElseThrow().getLine() + 1;
  }

  private static boolean isNothing(Node node) {
    return node.getTag().equals(Tag.NULL);
  }

  private static String describe(Node node) {
    if (node instanceof ScalarNode scalar) {
      String kind = node.getTag().equals(Tag.BOOL) ? "the boolean " : "the value ";
      return scalar.getValue().isBlank() || isNothing(node)
          ? "no value"
          : kind + Printable.escape(scalar.getValue());
    }
    return node instanceof MappingNode ? "a mapping" : "a list";
  }

  private static String expected(String section) {
    return "expected a mapping; allowed: " + String.join(", ", KnownKeys.below(section));
  }
}
