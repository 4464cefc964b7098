package org.sparkbatchnorm.format.safetensors;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/**
 * A small safetensors file, put together in memory. The same calls give the same bytes; keys and
 * data stand in the order added; the header is padded with spaces so that the data begins at a
 * multiple of 8, as the reference does it. It refuses what {@link SafetensorsHeader} would refuse.
 *
 * <p>Add arrays with long elements first: then all of them are aligned. Not thread-safe.
 */
public final class SafetensorsWriter {
  private static final int ALIGNMENT = 8;

  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private long metadataBytes;
  private long dataBytes;

  private record Entry(String json, ByteBuffer bytes) {}

  /**
   * Adds a string to the metadata.
   *
   * @throws IllegalArgumentException if the key is there already, a text holds a lone surrogate, or
   *     there would be more than 100,000 keys or 16 MiB of metadata
   */
  public void addMetadata(String key, String value) {
    metadataBytes += utf8(key).length + utf8(value).length;
    if (metadataBytes > Limits.METADATA_BYTES || metadata.size() == Limits.METADATA_ENTRIES) {
      throw new IllegalArgumentException(
          "more than "
              + Limits.METADATA_BYTES
              + " bytes or "
              + Limits.METADATA_ENTRIES
              + " keys of metadata");
    }
    if (metadata.putIfAbsent(key, value) != null) {
      throw new IllegalArgumentException("second metadata key " + Limits.quoted(key));
    }
  }

  /**
   * Adds an array.
   *
   * @param name its key, unlike any other and {@code __metadata__}
   * @param littleEndianBytes its elements, row-major; copied
   * @throws IllegalArgumentException if the name is taken, too long or holds a lone surrogate, the
   *     rank is above 32, there are 100,000 tensors already, or the number of bytes is not that of
   *     dtype and shape
   */
  public void addTensor(String name, DType dtype, Shape shape, byte[] littleEndianBytes) {
    if (name.equals(Limits.METADATA) || entries.containsKey(name)) {
      throw new IllegalArgumentException("the name " + Limits.quoted(name) + " is taken");
    }
    if (utf8(name).length > Limits.NAME_BYTES) {
      throw new IllegalArgumentException(
          "the name " + Limits.quoted(name) + " has more than " + Limits.NAME_BYTES + " bytes");
    }
    if (shape.rank() > Limits.RANK) {
      throw new IllegalArgumentException(
          "shape of "
              + Limits.quoted(name)
              + " has "
              + shape.rank()
              + " axes, expected at most 32");
    }
    if (entries.size() == Limits.TENSORS) {
      throw new IllegalArgumentException("more than " + Limits.TENSORS + " tensors in one file");
    }
    long expected = Math.multiplyExact(shape.elements(), dtype.bytes());
    if (littleEndianBytes.length != expected) {
      throw new IllegalArgumentException(
          Limits.quoted(name)
              + " of dtype "
              + dtype
              + " and shape "
              + shape
              + " takes "
              + expected
              + " bytes, but there are "
              + littleEndianBytes.length);
    }
    long end = dataBytes + expected;
    String json =
        "{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
            .formatted(dtype, shape.toString().replace(" ", ""), dataBytes, end);
    entries.put(name, new Entry(json, ByteBuffer.wrap(littleEndianBytes.clone())));
    dataBytes = end;
  }

  /**
   * The file.
   *
   * @throws IllegalStateException if the header would exceed 100,000,000 bytes
   * @throws ArithmeticException if the file would exceed 2^31 - 1 bytes
   */
  public byte[] toBytes() {
    byte[] header = header();
    int fileBytes = Math.toIntExact(Long.BYTES + header.length + dataBytes);
    ByteBuffer file = ByteBuffer.allocate(fileBytes).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header);
    for (Entry entry : entries.values()) {
      file.put(entry.bytes().duplicate());
    }
    return file.array();
  }

  private byte[] header() {
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    String separator = "{";
    if (!metadata.isEmpty()) {
      header.writeBytes(utf8("{\"__metadata__\":"));
      for (Map.Entry<String, String> entry : metadata.entrySet()) {
        header.writeBytes(
            utf8(separator + quoted(entry.getKey()) + ":" + quoted(entry.getValue())));
        separator = ",";
      }
      header.write('}');
    }
    for (Map.Entry<String, Entry> entry : entries.entrySet()) {
      header.writeBytes(utf8(separator + quoted(entry.getKey()) + ":" + entry.getValue().json()));
      separator = ",";
    }
    header.writeBytes(utf8(separator.equals("{") ? "{}" : "}"));
    while (header.size() % ALIGNMENT != 0) {
      header.write(' ');
    }
    if (header.size() > Limits.HEADER_BYTES) {
      throw new IllegalStateException(
          "header of " + header.size() + " bytes, expected at most " + Limits.HEADER_BYTES);
    }
    return header.toByteArray();
  }

  /** A JSON string (RFC 8259, section 7): only what must be escaped is. */
  private static String quoted(String text) {
    StringBuilder json = new StringBuilder(text.length() + 2).append('"');
    for (int i = 0; i < text.length(); i++) {
      char symbol = text.charAt(i);
      if (symbol == '"' || symbol == '\\') {
        json.append('\\').append(symbol);
      } else if (symbol < ' ') {
        json.append(String.format("\\u%04x", (int) symbol));
      } else {
        json.append(symbol);
      }
    }
    return json.append('"').toString();
  }

  private static byte[] utf8(String text) {
    try {
      ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] exact = new byte[bytes.remaining()];
      bytes.get(exact);
      return exact;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("lone surrogate in " + Limits.quoted(text), e);
    }
  }
}
