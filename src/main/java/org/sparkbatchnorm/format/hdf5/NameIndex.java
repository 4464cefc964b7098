package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * The index of a group's links by name: a B-tree of version 2 with records of type 5 (spec, section
 * III.A.2), each a hash and the link's place in the heap. Use once.
 */
final class NameIndex {
  private static final String HEADER = "B-tree header";
  private static final String NODE = "B-tree node";
  private static final int HEADER_BYTES = 38;
  private static final int LINK_NAMES = 5;
  private static final int RECORD_BYTES = 11;
  private static final int HASH_BYTES = 4;

  /** Signature, version, type, checksum. */
  private static final int NODE_OVERHEAD = 10;

  private static final int CHECKSUM_BYTES = 4;

  /** Nodes have at least two children each, and a file no more than 2^63 bytes. */
  private static final int DEEPEST = 63;

  private final Structures file;
  private final List<Fields> ids = new ArrayList<>();
  private final Deque<Node> pending = new ArrayDeque<>();
  private long nodeBytes;

  /** Bytes that tell how many records a child has, and for each level how many lie below it. */
  private int countBytes;

  private int[] totalBytes;

  private record Node(long address, int level, long records) {}

  private NameIndex(Structures file) {
    this.file = file;
  }

  /** The places of all links, in the order of the hashes of their names. */
  static List<Fields> read(Structures file, long address) throws IOException {
    return new NameIndex(file).ids(address);
  }

  private List<Fields> ids(long address) throws IOException {
    Fields header = file.read(HEADER, address, HEADER_BYTES);
    Lookup3.verify(HEADER, header);
    header.requireSignature("BTHD");
    header.requireVersion(0);
    final int type = header.u8();
    nodeBytes = header.u32();
    final int recordBytes = header.u16();
    final int depth = header.u16();
    header.skip(2);
    if (type != LINK_NAMES || recordBytes != RECORD_BYTES || depth > DEEPEST) {
      throw header.malformed(
          "HDF5_INVALID",
          HEADER
              + " of type "
              + type
              + ", records of "
              + recordBytes
              + " bytes and depth "
              + depth
              + ", expected type 5 and 11 bytes");
    }
    measureNodes(header, depth);
    final long root = header.address();
    final int records = header.u16();
    if (records > 0) {
      pending.push(new Node(root, depth, records));
    }
    while (!pending.isEmpty()) {
      read(pending.pop());
    }
    return ids;
  }

  /** How wide the numbers in inner nodes are, as the library works it out (H5B2hdr.c). */
  private void measureNodes(Fields header, int depth) throws MalformedFileException {
    long most = (nodeBytes - NODE_OVERHEAD) / RECORD_BYTES;
    if (nodeBytes < NODE_OVERHEAD + RECORD_BYTES || nodeBytes > Limits.STRUCTURE_BYTES) {
      throw header.malformed("HDF5_INVALID", NODE + "s of " + nodeBytes + " bytes");
    }
    countBytes = bytesFor(most);
    totalBytes = new int[depth + 1];
    double below = most;
    for (int level = 1; level <= depth; level++) {
      int pointerBytes = Long.BYTES + countBytes + totalBytes[level - 1];
      long inner = (nodeBytes - NODE_OVERHEAD - pointerBytes) / (RECORD_BYTES + pointerBytes);
      below = (inner + 1) * below + inner;
      if (inner < 1 || below > Long.MAX_VALUE) {
        throw header.malformed(
            "HDF5_INVALID", "a B-tree of depth " + depth + " with nodes of " + nodeBytes);
      }
      totalBytes[level] = bytesFor((long) below);
    }
  }

  private static int bytesFor(long most) {
    return (Long.SIZE - 1 - Long.numberOfLeadingZeros(most)) / Byte.SIZE + 1;
  }

  private void read(Node node) throws IOException {
    boolean leaf = node.level == 0;
    int pointerBytes = leaf ? 0 : Long.BYTES + countBytes + totalBytes[node.level - 1];
    long bytes =
        NODE_OVERHEAD + node.records * RECORD_BYTES + (leaf ? 0 : node.records + 1) * pointerBytes;
    Fields fields = file.read(NODE, node.address, bytes);
    Lookup3.verify(NODE, fields);
    fields.requireSignature(leaf ? "BTLF" : "BTIN");
    fields.requireVersion(0);
    fields.skip(1);
    for (long i = 0; i < node.records; i++) {
      fields.skip(HASH_BYTES);
      ids.add(fields.take(RECORD_BYTES - HASH_BYTES));
    }
    if (Math.max(ids.size(), pending.size() + node.records) > Limits.OBJECTS) {
      throw fields.malformed("HDF5_TOO_LARGE", "a group of more than " + Limits.OBJECTS + " links");
    }
    while (fields.remaining() > CHECKSUM_BYTES) {
      final long address = fields.address();
      final long records = fields.number(countBytes);
      fields.skip(totalBytes[node.level - 1]);
      pending.push(new Node(address, node.level - 1, records));
    }
  }
}
