package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Attributes of objects, of which only those asked for by name are kept. */
final class Attributes {
  private static final int STRING = 3;
  private static final int VARIABLE_LENGTH = 9;
  private static final int VARIABLE_LENGTH_BYTES = 16;

  /** What a datatype begins with: class and version, bits, size. */
  private static final int DATATYPE_BYTES = 8;

  private final Structures file;
  private final GlobalHeaps heaps;
  private final Set<String> wanted;

  /** A reader of the attributes of these names. */
  Attributes(Structures file, Set<String> wanted) {
    this.file = file;
    this.heaps = new GlobalHeaps(file);
    this.wanted = wanted;
  }

  /** Those asked for that are there, by name; the text is empty where the value is not one text. */
  Map<String, String> read(ObjectHeader header) throws IOException {
    Optional<Fields> info = header.only(ObjectHeader.ATTRIBUTE_INFO);
    if (info.isPresent()) {
      requireCompact(info.get());
    }
    Map<String, String> attributes = new TreeMap<>();
    for (Fields message : header.all(ObjectHeader.ATTRIBUTE)) {
      add(message, attributes);
    }
    return Collections.unmodifiableMap(attributes);
  }

  private static void requireCompact(Fields info) throws IOException {
    info.requireVersion(0);
    info.skip((info.u8() & 1) == 0 ? 0 : Short.BYTES);
    if (info.address() != Fields.UNDEFINED) {
      throw info.malformed(
          "HDF5_UNSUPPORTED", "more attributes of one object than its header holds");
    }
  }

  private void add(Fields message, Map<String, String> attributes) throws IOException {
    final int version = message.u8();
    if (version < 1 || version > 3) {
      throw message.malformed(
          "HDF5_UNSUPPORTED", "attribute of version " + version + ", expected 1 to 3");
    }
    final int shared = message.u8();
    final int nameBytes = message.u16();
    final int typeBytes = message.u16();
    final int spaceBytes = message.u16();
    message.skip(version == 3 ? 1 : 0);
    final Fields name = part(message, version, nameBytes);
    final Fields type = part(message, version, typeBytes);
    final Fields space = part(message, version, spaceBytes);
    String word = name.text(Limits.NAME_BYTES);
    if (!wanted.contains(word)) {
      return;
    }
    boolean isText = (version == 1 || shared == 0) && isScalar(space);
    String text = file.hold(isText ? text(type, message) : "");
    if (attributes.putIfAbsent(word, text) != null) {
      throw name.malformed("HDF5_INVALID", "a second attribute " + Limits.quoted(word));
    }
  }

  private static Fields part(Fields message, int version, int bytes) throws IOException {
    return version == 1 ? message.takePadded(bytes) : message.take(bytes);
  }

  private static boolean isScalar(Fields space) throws IOException {
    Dataspace dataspace = Dataspace.read(space);
    return !dataspace.isNull() && dataspace.shape().rank() == 0;
  }

  private String text(Fields type, Fields data) throws IOException {
    if (type.remaining() < DATATYPE_BYTES) {
      return "";
    }
    final int dataClass = type.u8() & 0xf;
    final int bits = type.u8();
    type.skip(2);
    final long size = type.u32();
    if (dataClass == STRING) {
      return data.take(size).text(Limits.NAME_BYTES);
    }
    // Of variable length are sequences (0) and strings (1).
    boolean string = dataClass == VARIABLE_LENGTH && (bits & 0xf) == 1;
    if (string && size == VARIABLE_LENGTH_BYTES) {
      return heaps.value(data).text(Limits.NAME_BYTES);
    }
    return "";
  }
}
