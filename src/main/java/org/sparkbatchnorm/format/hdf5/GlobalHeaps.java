package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * The collections that hold values of variable length (spec, section III.E): the texts of
 * attributes. Each is read once. Not thread-safe.
 */
final class GlobalHeaps {
  private static final String WHAT = "global heap collection";
  private static final int HEADER_BYTES = 16;

  private final Structures file;
  private final Map<Long, Map<Integer, Fields>> collections = new HashMap<>();
  private long bytesHeld;

  GlobalHeaps(Structures file) {
    this.file = file;
  }

  /**
   * A value.
   *
   * @param reference what stands in its place: its length, the address of its collection, its index
   */
  Fields value(Fields reference) throws IOException {
    final long bytes = reference.u32();
    final long address = reference.address();
    final int index = (int) Math.min(Integer.MAX_VALUE, reference.u32());
    Map<Integer, Fields> collection = collections.get(address);
    if (collection == null) {
      collection = collection(address);
      collections.put(address, collection);
    }
    Fields object = collection.get(index);
    if (object == null) {
      throw reference.malformed("HDF5_INVALID", "no value " + index + " in its " + WHAT);
    }
    return object.from(0).take(bytes);
  }

  private Map<Integer, Fields> collection(long address) throws IOException {
    Fields header = file.peek(WHAT, address, HEADER_BYTES);
    header.requireSignature("GCOL");
    header.requireVersion(1);
    header.skip(3);
    long bytes = header.length();
    Fields fields = file.read(WHAT, address, Math.max(bytes, HEADER_BYTES));
    bytesHeld += bytes;
    if (bytesHeld > Limits.HEAP_BYTES) {
      throw header.malformed(
          "HDF5_TOO_LARGE", "values of more than " + Limits.HEAP_BYTES + " bytes in global heaps");
    }
    fields.skip(HEADER_BYTES);
    Map<Integer, Fields> objects = new HashMap<>();
    while (fields.remaining() >= HEADER_BYTES) {
      final int index = fields.u16();
      fields.skip(6);
      final long length = fields.length();
      if (index == 0) {
        // Free space to the end.
        break;
      }
      objects.put(index, fields.takePadded(length));
    }
    return objects;
  }
}
