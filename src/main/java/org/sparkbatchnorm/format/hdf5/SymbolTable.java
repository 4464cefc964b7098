package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * The links of a group in the old form, which h5py writes unless told otherwise: a B-tree of symbol
 * table nodes, and a heap for the names (spec, sections III.A.1, III.B to III.D). Use once.
 */
final class SymbolTable {
  private static final String TREE = "B-tree node";
  private static final String NODE = "symbol table node";
  private static final String HEAP = "local heap";
  private static final int TREE_HEADER_BYTES = 24;
  private static final int KEY_AND_CHILD_BYTES = 16;
  private static final int NODE_HEADER_BYTES = 8;
  private static final int ENTRY_BYTES = 40;
  private static final int HEAP_HEADER_BYTES = 32;
  private static final int GROUP_TREE = 0;
  private static final int SOFT_LINK = 2;

  private final Structures file;
  private final List<Link> links = new ArrayList<>();
  private final Deque<Child> pending = new ArrayDeque<>();
  private Fields names;

  /** A node of the tree at this level, or below level 0 a node of symbols. */
  private record Child(long address, int level) {
    static final int ANY = Integer.MAX_VALUE;
    static final int SYMBOLS = -1;
  }

  SymbolTable(Structures file) {
    this.file = file;
  }

  /** The links that the message of a group leads to. */
  List<Link> read(Fields message) throws IOException {
    pending.push(new Child(message.address(), Child.ANY));
    names = names(message.address());
    while (!pending.isEmpty()) {
      Child child = pending.pop();
      if (child.level == Child.SYMBOLS) {
        readSymbols(child.address);
      } else {
        readTree(child);
      }
    }
    return links;
  }

  private Fields names(long address) throws IOException {
    Fields header = file.read(HEAP, address, HEAP_HEADER_BYTES);
    header.requireSignature("HEAP");
    header.requireVersion(0);
    header.skip(3);
    final long bytes = header.length();
    header.skip(Long.BYTES);
    return file.read("the names of a " + HEAP, header.address(), bytes);
  }

  private void readTree(Child node) throws IOException {
    Fields header = file.peek(TREE, node.address, TREE_HEADER_BYTES);
    header.requireSignature("TREE");
    final int type = header.u8();
    final int level = header.u8();
    final int children = header.u16();
    if (type != GROUP_TREE || (node.level != Child.ANY && level != node.level)) {
      throw header.malformed(
          "HDF5_INVALID",
          TREE
              + " of type "
              + type
              + " and level "
              + level
              + ", expected type 0"
              + (node.level == Child.ANY ? "" : " and level " + node.level));
    }
    Fields fields =
        file.read(TREE, node.address, TREE_HEADER_BYTES + (long) KEY_AND_CHILD_BYTES * children);
    fields.skip(TREE_HEADER_BYTES);
    for (int i = 0; i < children; i++) {
      fields.skip(Long.BYTES);
      pending.push(new Child(fields.address(), level - 1));
    }
    if (pending.size() > Limits.OBJECTS) {
      throw fields.malformed(
          "HDF5_TOO_LARGE", "a group of more than " + Limits.OBJECTS + " " + NODE + "s");
    }
  }

  private void readSymbols(long address) throws IOException {
    Fields header = file.peek(NODE, address, NODE_HEADER_BYTES);
    header.requireSignature("SNOD");
    header.requireVersion(1);
    header.skip(1);
    int entries = header.u16();
    Fields fields = file.read(NODE, address, NODE_HEADER_BYTES + (long) ENTRY_BYTES * entries);
    fields.skip(NODE_HEADER_BYTES);
    for (int i = 0; i < entries; i++) {
      readEntry(fields.take(ENTRY_BYTES));
    }
  }

  private void readEntry(Fields entry) throws IOException {
    final long nameOffset = entry.length();
    final long address = entry.address();
    final long cached = entry.u32();
    if (links.size() == Limits.OBJECTS) {
      throw entry.malformed("HDF5_TOO_LARGE", "a group of more than " + Limits.OBJECTS + " links");
    }
    String name = names.from(nameOffset).text(Limits.NAME_BYTES);
    if (cached == SOFT_LINK) {
      throw Link.soft(name, entry);
    }
    links.add(Link.of(file, name, address, entry));
  }
}
