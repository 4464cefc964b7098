package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The links of a group in the new form (spec, sections IV.A.2.c and IV.A.2.g): a message each, in
 * the object header while they are few, in a fractal heap otherwise.
 */
final class LinkMessages {
  private static final String WHAT = "link";
  private static final int HARD = 0;
  private static final int SOFT = 1;
  private static final int EXTERNAL = 64;

  private static final int HAS_TYPE = 1 << 3;
  private static final int HAS_ORDER = 1 << 2;
  private static final int HAS_CHARACTER_SET = 1 << 4;

  private LinkMessages() {}

  /** The links of the group whose header has this link info message. */
  static List<Link> read(Structures file, ObjectHeader header, Fields info) throws IOException {
    info.requireVersion(0);
    info.skip((info.u8() & 1) == 0 ? 0 : Long.BYTES);
    final long heapAddress = info.address();
    final long indexAddress = info.address();
    List<Link> links = new ArrayList<>();
    if (heapAddress == Fields.UNDEFINED) {
      for (Fields message : header.all(ObjectHeader.LINK)) {
        links.add(link(file, message));
      }
      return links;
    }
    FractalHeap heap = FractalHeap.read(file, heapAddress);
    for (Fields id : NameIndex.read(file, indexAddress)) {
      links.add(link(file, heap.object(id)));
    }
    return links;
  }

  private static Link link(Structures file, Fields message) throws IOException {
    message.requireVersion(1);
    final int flags = message.u8();
    final int type = (flags & HAS_TYPE) == 0 ? HARD : message.u8();
    message.skip((flags & HAS_ORDER) == 0 ? 0 : Long.BYTES);
    message.skip((flags & HAS_CHARACTER_SET) == 0 ? 0 : 1);
    String name = message.take(message.number(1 << (flags & 0b11))).text(Limits.NAME_BYTES);
    return switch (type) {
      case HARD -> {
        long address = message.address();
        yield Link.of(file, name, address, message);
      }
      case SOFT -> throw Link.soft(name, message);
      case EXTERNAL ->
          throw message.malformed(
              "HDF5_EXTERNAL", Limits.quoted(name) + " is a " + WHAT + " into another file");
      default ->
          throw message.malformed(
              "HDF5_LINK", Limits.quoted(name) + " is a " + WHAT + " of type " + type);
    };
  }
}
