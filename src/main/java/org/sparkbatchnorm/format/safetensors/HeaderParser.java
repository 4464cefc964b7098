package org.sparkbatchnorm.format.safetensors;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** The JSON object between the length and the data, read in one pass. Use once. */
final class HeaderParser {
  private final JsonScanner json;
  private final long dataOffset;
  private final long fileBytes;
  private final OtherTypes otherTypes;
  private final Map<String, PlacedArray> tensors = new HashMap<>();
  private Map<String, String> metadata;
  private long metadataBytes;

  HeaderParser(ReadableBytes file, long headerOffset, long dataOffset, OtherTypes otherTypes) {
    this.json = new JsonScanner(file, headerOffset, dataOffset);
    this.dataOffset = dataOffset;
    this.fileBytes = file.length();
    this.otherTypes = otherTypes;
  }

  /** Reads all of it. */
  void parse() throws IOException {
    if (json.peek() == Utf8Bytes.END) {
      throw json.notJson("expected a JSON object");
    }
    if (json.peek() != '{') {
      throw json.wrongKind("HEADER_JSON", "the header must be a JSON object");
    }
    json.expect('{');
    if (!json.takes('}')) {
      do {
        member();
      } while (json.takes(','));
      json.expect('}');
    }
    if (json.peek() != Utf8Bytes.END) {
      throw json.malformed(
          json.offset(), "TRAILING_TOKENS", "the header goes on after its JSON object");
    }
  }

  /** The arrays, in no order. */
  Collection<PlacedArray> tensors() {
    return tensors.values();
  }

  /** The metadata, in the order of the file; empty if there is none. */
  Map<String, String> metadata() {
    return metadata == null ? Map.of() : Collections.unmodifiableMap(metadata);
  }

  private void member() throws IOException {
    long start = json.offset();
    String name = json.string(Limits.NAME_BYTES, "NAME_TOO_LONG");
    json.expect(':');
    if (name.equals(Limits.METADATA)) {
      requireNew(metadata == null, name, start);
      metadata = new LinkedHashMap<>();
      readMetadata();
      return;
    }
    requireNew(!tensors.containsKey(name), name, start);
    if (tensors.size() == Limits.TENSORS) {
      throw json.malformed(
          start, "TOO_MANY_TENSORS", "more than " + Limits.TENSORS + " tensors in one file");
    }
    tensors.put(name, new EntryParser(json, name, dataOffset, fileBytes, otherTypes).parse());
  }

  private void readMetadata() throws IOException {
    if (json.peek() != '{') {
      throw json.wrongKind("METADATA", "__metadata__ must be an object");
    }
    json.expect('{');
    if (!json.takes('}')) {
      do {
        metadataEntry();
      } while (json.takes(','));
      json.expect('}');
    }
  }

  private void metadataEntry() throws IOException {
    long start = json.offset();
    String key = json.string(Limits.METADATA_BYTES, "METADATA");
    json.expect(':');
    requireNew(!metadata.containsKey(key), key, start);
    if (json.peek() != '"') {
      throw json.wrongKind(
          "METADATA", "__metadata__ must hold strings under every key, also " + Limits.quoted(key));
    }
    String value = json.string(Limits.METADATA_BYTES, "METADATA");
    metadataBytes += utf8Length(key) + utf8Length(value);
    if (metadataBytes > Limits.METADATA_BYTES || metadata.size() == Limits.METADATA_ENTRIES) {
      throw json.malformed(
          start,
          "METADATA",
          "__metadata__ holds more than "
              + Limits.METADATA_BYTES
              + " bytes or "
              + Limits.METADATA_ENTRIES
              + " keys");
    }
    metadata.put(key, value);
  }

  private static int utf8Length(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }

  private void requireNew(boolean isNew, String key, long start) throws MalformedFileException {
    if (!isNew) {
      throw json.malformed(
          start, "DUPLICATE_KEY", "second " + Limits.quoted(key) + " in the same object");
    }
  }
}
