package org.sparkbatchnorm.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/** Metadata as one JSON object of strings, in formats that have no place of their own for them. */
public final class MetadataJson {
  /** Of the whole text; as much as a safetensors header may have. */
  public static final int MAX_BYTES = 1 << 24;

  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private MetadataJson() {}

  /**
   * The object in UTF-8, by key, without white space.
   *
   * @throws IllegalArgumentException if a text holds a lone surrogate
   */
  public static byte[] write(Map<String, String> metadata) {
    // Characters, for the generator of bytes escapes what lies beyond U+FFFF, or not, by version.
    StringWriter text = new StringWriter();
    try (JsonGenerator json = JSON.createGenerator(text)) {
      json.writeStartObject();
      for (Map.Entry<String, String> entry : new TreeMap<>(metadata).entrySet()) {
        json.writeStringField(entry.getKey(), entry.getValue());
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    byte[] utf8 = text.toString().getBytes(StandardCharsets.UTF_8);
    if (!text.toString().equals(new String(utf8, StandardCharsets.UTF_8))) {
      throw new IllegalArgumentException("lone surrogate in metadata");
    }
    return utf8;
  }

  /**
   * What {@link #write} has written.
   *
   * @param file what messages call the file
   * @param offset of the text in it, for messages
   * @param text in UTF-8
   * @throws MalformedFileException METADATA if it is not one object of strings, each key once
   */
  public static Map<String, String> read(String file, long offset, byte[] text)
      throws MalformedFileException {
    Map<String, String> metadata = new LinkedHashMap<>();
    try (JsonParser json = JSON.createParser(text)) {
      boolean strings = json.nextToken() == JsonToken.START_OBJECT;
      while (strings && json.nextToken() != JsonToken.END_OBJECT) {
        String key = json.currentName();
        strings = json.nextToken() == JsonToken.VALUE_STRING;
        metadata.put(key, json.getText());
      }
      if (!strings || json.nextToken() != null) {
        throw malformed(file, offset, "expected one JSON object with strings under every key");
      }
    } catch (JsonProcessingException e) {
      throw malformed(file, offset, e.getOriginalMessage());
    } catch (MalformedFileException e) {
      throw e;
    } catch (IOException e) {
      throw malformed(file, offset, "not UTF-8: " + e.getMessage());
    }
    return Collections.unmodifiableMap(metadata);
  }

  private static MalformedFileException malformed(String file, long offset, String reason) {
    return new MalformedFileException(file, offset, "METADATA", "metadata: " + reason);
  }
}
