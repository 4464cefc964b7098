package org.sparkbatchnorm.format.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * The index of a model in several safetensors files ({@code model.safetensors.index.json} of
 * Hugging Face's libraries): {@code {"metadata": {...}, "weight_map": {TENSOR: FILE}}}. The files
 * stand beside the index. Immutable.
 */
public final class SafetensorsIndex {
  /** What the name of an index ends with. */
  public static final String SUFFIX = ".safetensors.index.json";

  /** Some 200,000 tensors; all of it is held while it is read. */
  private static final int MOST_BYTES = 1 << 25;

  private static final String WEIGHT_MAP = "weight_map";

  private final Map<String, String> shards;

  private SafetensorsIndex(Map<String, String> shards) {
    this.shards = Collections.unmodifiableMap(shards);
  }

  /**
   * Reads an index.
   *
   * @throws MalformedFileException with one of these codes:
   *     <ul>
   *       <li>HEADER_TOO_LARGE: more than 32 MiB
   *       <li>HEADER_JSON: not one JSON document, or a key that comes twice
   *       <li>HEADER_FIELD: no {@code weight_map}, or one that is no object of strings
   *       <li>TOO_MANY_TENSORS: more than 100,000
   *       <li>PATH_ESCAPE: a file's name that is not a plain one: with a folder, a scheme or a
   *           drive
   *     </ul>
   */
  public static SafetensorsIndex read(ReadableBytes file) throws IOException {
    if (file.length() > MOST_BYTES) {
      throw malformed(
          file, 0, "HEADER_TOO_LARGE", file.length() + " bytes, expected at most " + MOST_BYTES);
    }
    byte[] text = new byte[(int) file.length()];
    file.readFully(0, text, 0, text.length);
    JsonFactory json =
        JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();
    try (JsonParser parser = json.createParser(text)) {
      return parse(file, parser);
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      throw malformed(
          file,
          at == null ? 0 : Math.max(0, at.getByteOffset()),
          "HEADER_JSON",
          e.getOriginalMessage());
    }
  }

  private static SafetensorsIndex parse(ReadableBytes file, JsonParser parser) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      throw malformed(file, 0, "HEADER_FIELD", "an index must be a JSON object");
    }
    Map<String, String> shards = null;
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String field = parser.currentName();
      parser.nextToken();
      if (field.equals(WEIGHT_MAP)) {
        shards = weightMap(file, parser);
      } else {
        parser.skipChildren();
      }
    }
    if (parser.nextToken() != null) {
      throw malformed(
          file,
          parser.currentTokenLocation().getByteOffset(),
          "HEADER_JSON",
          "the index goes on after its JSON object");
    }
    if (shards == null) {
      throw malformed(file, 0, "HEADER_FIELD", "no " + WEIGHT_MAP + " in the index");
    }
    return new SafetensorsIndex(shards);
  }

  private static Map<String, String> weightMap(ReadableBytes file, JsonParser parser)
      throws IOException {
    Map<String, String> shards = new LinkedHashMap<>();
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw notStrings(file, parser);
    }
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String tensor = parser.currentName();
      if (parser.nextToken() != JsonToken.VALUE_STRING) {
        throw notStrings(file, parser);
      }
      if (shards.size() == Limits.TENSORS) {
        throw malformed(
            file,
            parser.currentTokenLocation().getByteOffset(),
            "TOO_MANY_TENSORS",
            "more than " + Limits.TENSORS + " tensors in one index");
      }
      shards.put(tensor, plainName(file, parser, tensor));
    }
    return shards;
  }

  private static MalformedFileException notStrings(ReadableBytes file, JsonParser parser) {
    return malformed(
        file,
        parser.currentTokenLocation().getByteOffset(),
        "HEADER_FIELD",
        WEIGHT_MAP + " must be an object of strings");
  }

  private static String plainName(ReadableBytes file, JsonParser parser, String tensor)
      throws IOException {
    String name = parser.getText();
    boolean plain =
        !name.isBlank()
            && !name.startsWith(".")
            && name.chars().noneMatch(c -> c < ' ' || "/\\:".indexOf(c) >= 0);
    if (!plain) {
      throw malformed(
          file,
          parser.currentTokenLocation().getByteOffset(),
          "PATH_ESCAPE",
          Limits.quoted(tensor)
              + " is in "
              + Limits.quoted(name)
              + ", expected the name of a file beside the index");
    }
    return name;
  }

  private static MalformedFileException malformed(
      ReadableBytes file, long offset, String code, String reason) {
    return new MalformedFileException(file.name(), offset, code, reason);
  }

  /** The name of each tensor's file. */
  public Map<String, String> shards() {
    return shards;
  }

  /** The names of all files, each once, in the order of the index. */
  public List<String> files() {
    return List.copyOf(new LinkedHashSet<>(shards.values()));
  }
}
