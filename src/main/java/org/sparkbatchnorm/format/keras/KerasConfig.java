package org.sparkbatchnorm.format.keras;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * What a model's {@code config.json} says of its layers: every object in it that has a {@code
 * class_name}, and a {@code config} with a {@code name}, wherever it stands. A layer is found by
 * its name and those of the layers and models around it. Immutable.
 */
public final class KerasConfig {
  private static final KerasConfig NONE = new KerasConfig(Map.of());

  /** Of the whole file. */
  public static final int MOST_BYTES = 1 << 26;

  private static final int DEEPEST = 200;
  private static final int MOST_OBJECTS = 1_000_000;
  private static final int LONGEST_NAME = 1 << 12;
  private static final int MOST_CHARACTERS = 1 << 24;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(DEEPEST)
                  .maxNameLength(LONGEST_NAME)
                  .build())
          .build();

  private final Map<List<String>, KerasLayerConfig> layers;

  private KerasConfig(Map<List<String>, KerasLayerConfig> layers) {
    this.layers = layers;
  }

  /** An object of the file, as far as it is of interest. */
  private static final class Node {
    private final Map<String, Object> values = new HashMap<>();
    private final List<Node> children = new ArrayList<>();
    private Node config;

    private boolean isOfInterest() {
      return !children.isEmpty() || !values.isEmpty();
    }
  }

  /** Of a model whose configuration is not known. */
  public static KerasConfig none() {
    return NONE;
  }

  /**
   * Reads it.
   *
   * @throws MalformedFileException KERAS_CONFIG if it is not one JSON object, has duplicate keys,
   *     or is beyond a limit (64 MiB, nested 200 deep)
   */
  public static KerasConfig read(ReadableBytes file) throws IOException {
    return new Parser(file).parse();
  }

  /** What it says of the layer of this name, inside those named before it. */
  public Optional<KerasLayerConfig> layer(List<String> names) {
    return Optional.ofNullable(layers.get(names));
  }

  private static final class Parser {
    private static final Set<String> VALUES =
        Set.of("class_name", "name", "trainable", "scale", "center", "renorm", "epsilon");

    private final ReadableBytes file;
    private final Map<List<String>, KerasLayerConfig> layers = new HashMap<>();
    private final Set<List<String>> ambiguous = new HashSet<>();
    private long objects;
    private long characters;

    Parser(ReadableBytes file) {
      this.file = file;
    }

    KerasConfig parse() throws IOException {
      if (file.length() > MOST_BYTES) {
        throw malformed(
            0, "a configuration of " + file.length() + " bytes, expected at most " + MOST_BYTES);
      }
      try (InputStream stream = new ContentStream(file);
          JsonParser json = JSON.createParser(stream)) {
        if (json.nextToken() != JsonToken.START_OBJECT) {
          throw malformed(0, "the model's configuration must be a JSON object");
        }
        Node root = object(json);
        if (json.nextToken() != null) {
          throw malformed(
              json.currentTokenLocation().getByteOffset(), "something after the configuration");
        }
        if (root.config != null) {
          collect(root.config, List.of());
        }
      } catch (JsonProcessingException e) {
        long offset = e.getLocation() == null ? -1 : e.getLocation().getByteOffset();
        throw malformed(
            Math.min(file.length(), Math.max(MalformedFileException.NO_OFFSET, offset)),
            e.getOriginalMessage());
      }
      ambiguous.forEach(layers::remove);
      return new KerasConfig(layers);
    }

    private Node object(JsonParser json) throws IOException {
      if (++objects > MOST_OBJECTS) {
        throw malformed(
            json.currentTokenLocation().getByteOffset(),
            "more than " + MOST_OBJECTS + " objects in the configuration");
      }
      Node node = new Node();
      while (json.nextToken() != JsonToken.END_OBJECT) {
        String key = json.currentName();
        JsonToken token = json.nextToken();
        if (token == JsonToken.START_OBJECT) {
          Node child = object(json);
          if (child.isOfInterest()) {
            node.children.add(child);
            node.config = key.equals("config") ? child : node.config;
          }
        } else if (token == JsonToken.START_ARRAY) {
          array(json, node);
        } else if (VALUES.contains(key)) {
          put(json, node, key, token);
        }
      }
      return node;
    }

    private void array(JsonParser json, Node node) throws IOException {
      for (JsonToken token = json.nextToken();
          token != JsonToken.END_ARRAY;
          token = json.nextToken()) {
        if (token == JsonToken.START_ARRAY) {
          array(json, node);
        } else if (token == JsonToken.START_OBJECT) {
          Node child = object(json);
          if (child.isOfInterest()) {
            node.children.add(child);
          }
        }
      }
    }

    private static void put(JsonParser json, Node node, String key, JsonToken token)
        throws IOException {
      if (token == JsonToken.VALUE_STRING && json.getTextLength() <= LONGEST_NAME) {
        node.values.put(key, json.getText());
      } else if (token.isBoolean()) {
        node.values.put(key, json.getBooleanValue());
      } else if (token.isNumeric()) {
        node.values.put(key, json.getDoubleValue());
      }
    }

    private void collect(Node node, List<String> around) throws IOException {
      List<String> names = around;
      if (node.config != null
          && node.values.get("class_name") instanceof String className
          && node.config.values.get("name") instanceof String name) {
        names = new ArrayList<>(around);
        names.add(name);
        add(List.copyOf(names), config(className, node.config));
      }
      for (Node child : node.children) {
        collect(child, names);
      }
    }

    private void add(List<String> names, KerasLayerConfig config) throws IOException {
      for (String name : names) {
        characters += name.length() + 1L;
      }
      if (characters > MOST_CHARACTERS) {
        throw malformed(
            MalformedFileException.NO_OFFSET,
            "names of more than " + MOST_CHARACTERS + " characters in the configuration");
      }
      KerasLayerConfig other = layers.putIfAbsent(names, config);
      if (other != null && !other.equals(config)) {
        ambiguous.add(names);
      }
    }

    private static KerasLayerConfig config(String className, Node config) {
      return new KerasLayerConfig(
          className,
          isTrue(config, "trainable", true),
          isTrue(config, "scale", true),
          isTrue(config, "center", true),
          isTrue(config, "renorm", false),
          config.values.get("epsilon") instanceof Double epsilon
              ? OptionalDouble.of(epsilon)
              : OptionalDouble.empty());
    }

    private static boolean isTrue(Node config, String key, boolean otherwise) {
      return config.values.get(key) instanceof Boolean value ? value : otherwise;
    }

    private MalformedFileException malformed(long offset, String reason) {
      return new MalformedFileException(file.name(), offset, "KERAS_CONFIG", reason);
    }
  }
}
