package org.sparkbatchnorm.format.torch;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.zip.ZipWriter;

/** Pickles put together opcode by opcode, and archives around them. */
final class Pickler {
  static final String NAME = "model.pt";

  /** Where {@link #file} has the pickle. */
  static final int PICKLE = 64;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  static Pickler protocol(int protocol) {
    return new Pickler().raw(0x80, protocol);
  }

  /** One opcode, or several bytes. */
  Pickler raw(int... values) {
    for (int value : values) {
      bytes.write(value);
    }
    return this;
  }

  /** Opcodes that are characters. */
  Pickler raw(String opcodes) {
    bytes.writeBytes(opcodes.getBytes(StandardCharsets.ISO_8859_1));
    return this;
  }

  Pickler text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    raw("X").number(utf8.length, 4);
    bytes.writeBytes(utf8);
    return this;
  }

  Pickler whole(long value) {
    return value >= 0 && value < 256 ? raw("K").raw((int) value) : raw(0x8a, 8).number(value, 8);
  }

  Pickler number(long value, int width) {
    bytes.write(
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array(), 0, width);
    return this;
  }

  Pickler global(String module, String name) {
    return raw("c" + module + "\n" + name + "\n");
  }

  Pickler tuple(long... values) {
    raw("(");
    for (long value : values) {
      whole(value);
    }
    return raw("t");
  }

  /** A persistent id of a storage. */
  Pickler storage(String type, String key, long elements) {
    return raw("(")
        .text("storage")
        .global("torch", type + "Storage")
        .text(key)
        .text("cpu")
        .whole(elements)
        .raw("tQ");
  }

  /** A tensor as torch.save writes it, of storage {@code 0} with 6 floats. */
  Pickler tensor(long first, long[] lengths, long[] strides) {
    return global("torch._utils", "_rebuild_tensor_v2")
        .raw("(")
        .storage("Float", "0", 6)
        .whole(first)
        .tuple(lengths)
        .tuple(strides)
        .raw(0x89)
        .global("collections", "OrderedDict")
        .raw(")RtR");
  }

  /** Two of the six floats. */
  Pickler tensor() {
    return tensor(1, new long[] {2}, new long[] {1});
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }

  /** An archive with this pickle and storage {@code 0} of 24 bytes. */
  byte[] archive() {
    return archive(bytes(), Map.of());
  }

  ReadableBytes file() {
    return ReadableBytes.of(NAME, archive());
  }

  /** The same with other records, null for none, in place of the usual ones. */
  static byte[] archive(byte[] pickle, Map<String, String> others) {
    ZipWriter writer = new ZipWriter();
    writer.add("archive/data.pkl", pickle);
    add(writer, "byteorder", others.getOrDefault("byteorder", "little"));
    writer.add("archive/data/0", new byte[24]);
    add(writer, "version", others.getOrDefault("version", "3\n"));
    for (String record : others.keySet()) {
      if (!record.equals("byteorder") && !record.equals("version")) {
        add(writer, record, others.get(record));
      }
    }
    return writer.toBytes();
  }

  private static void add(ZipWriter writer, String record, String content) {
    if (!content.isEmpty()) {
      writer.add("archive/" + record, content.getBytes(StandardCharsets.ISO_8859_1));
    }
  }
}
