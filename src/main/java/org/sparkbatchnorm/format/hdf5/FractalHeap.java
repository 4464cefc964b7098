package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * A heap that holds the links of a large group (spec, section III.G): blocks of doubling size,
 * reached through blocks of their addresses. Objects that the heap manages itself are read; huge
 * ones and filtered heaps are not.
 */
final class FractalHeap {
  private static final String HEADER = "fractal heap header";
  private static final String DIRECT = "fractal heap block";
  private static final String INDIRECT = "fractal heap indirect block";
  private static final int HEADER_BYTES = 146;
  private static final int CHECKSUM_BYTES = 4;

  /** Signature, version, address of the heap. */
  private static final int BLOCK_PREFIX = 13;

  private static final int MOST_ROWS = 64;
  private static final int WIDEST = 1 << 10;

  private final Structures file;
  private final long address;
  private final Map<Long, Fields> indirectBlocks = new HashMap<>();
  private final Set<Long> directBlocks = new HashSet<>();
  private int offsetBytes;
  private int lengthBytes;
  private int width;
  private long startBytes;
  private int directRows;
  private long rootAddress;
  private int rootRows;

  private FractalHeap(Structures file, long address) {
    this.file = file;
    this.address = address;
  }

  static FractalHeap read(Structures file, long address) throws IOException {
    FractalHeap heap = new FractalHeap(file, address);
    heap.readHeader();
    return heap;
  }

  private void readHeader() throws IOException {
    Fields header = file.read(HEADER, address, HEADER_BYTES);
    Lookup3.verify(HEADER, header);
    header.requireSignature("FRHP");
    header.requireVersion(0);
    header.skip(Short.BYTES);
    if (header.u16() != 0) {
      throw header.malformed("HDF5_UNSUPPORTED", "a fractal heap with filters");
    }
    header.skip(1);
    final long largest = header.u32();
    header.skip(12 * Long.BYTES);
    width = header.u16();
    startBytes = header.length();
    final long directBytes = header.length();
    final int heapBits = header.u16();
    header.skip(Short.BYTES);
    rootAddress = header.address();
    rootRows = header.u16();
    if (width < 1
        || width > WIDEST
        || Long.bitCount(width) != 1
        || Long.bitCount(startBytes) != 1
        || Long.bitCount(directBytes) != 1
        || directBytes < startBytes
        || directBytes > Limits.STRUCTURE_BYTES
        || heapBits < 1
        || heapBits > Long.SIZE
        || largest < 1
        || rootRows > MOST_ROWS) {
      throw header.malformed("HDF5_INVALID", HEADER + " with sizes that no heap can have");
    }
    offsetBytes = (heapBits + Byte.SIZE - 1) / Byte.SIZE;
    lengthBytes =
        Math.min((log2(directBytes) + Byte.SIZE - 1) / Byte.SIZE, log2(largest) / Byte.SIZE + 1);
    directRows = log2(directBytes) - log2(startBytes) + 2;
  }

  private static int log2(long value) {
    return Long.SIZE - 1 - Long.numberOfLeadingZeros(value);
  }

  /** The object of an ID: a byte of flags, offset and length. */
  Fields object(Fields id) throws IOException {
    int flags = id.u8();
    if (flags != 0) {
      throw id.malformed(
          "HDF5_UNSUPPORTED", "an object that its fractal heap does not hold in its blocks");
    }
    final long offset = id.number(offsetBytes);
    final long length = id.number(lengthBytes);
    long block = rootAddress;
    long blockOffset = 0;
    long blockBytes = startBytes;
    int rows = rootRows;
    while (rows > 0) {
      long distance = offset - blockOffset;
      int row = row(distance);
      if (row >= rows) {
        throw id.malformed("HDF5_INVALID", "no byte " + offset + " in its fractal heap");
      }
      blockBytes = rowBytes(row);
      long rowStart = row == 0 ? 0 : width * blockBytes;
      long column = (distance - rowStart) / blockBytes;
      block = child(block, rows, row, (int) column);
      blockOffset += rowStart + column * blockBytes;
      rows = row < directRows ? 0 : log2(blockBytes) - log2(startBytes * width) + 1;
    }
    long within = offset - blockOffset;
    if (within < BLOCK_PREFIX + offsetBytes || length > blockBytes - within) {
      throw id.malformed("HDF5_INVALID", "no " + length + " bytes at " + offset + " in the heap");
    }
    requireDirect(block);
    return file.read(DIRECT, block + within, length);
  }

  private void requireDirect(long block) throws IOException {
    if (directBlocks.add(block)) {
      Fields prefix = file.peek(DIRECT, block, BLOCK_PREFIX);
      prefix.requireSignature("FHDB");
      requireMine(prefix);
    }
  }

  private void requireMine(Fields block) throws MalformedFileException {
    block.requireVersion(0);
    if (block.address() != address) {
      throw block.malformed("HDF5_INVALID", "a block of another fractal heap");
    }
  }

  /** Rows 0 and 1 have blocks of the starting size, each row after them of twice the last. */
  private long rowBytes(int row) {
    return row == 0 ? startBytes : startBytes << (row - 1);
  }

  private int row(long distance) {
    long inFirst = startBytes * width;
    return distance < inFirst ? 0 : log2(distance / inFirst) + 1;
  }

  private long child(long block, int rows, int row, int column) throws IOException {
    Fields children = indirectBlocks.get(block);
    if (children == null) {
      long bytes = BLOCK_PREFIX + offsetBytes + (long) rows * width * Long.BYTES + CHECKSUM_BYTES;
      children = file.read(INDIRECT, block, bytes);
      Lookup3.verify(INDIRECT, children);
      children.requireSignature("FHIB");
      requireMine(children);
      indirectBlocks.put(block, children);
    }
    long position = BLOCK_PREFIX + offsetBytes + ((long) row * width + column) * Long.BYTES;
    return children.from(position).address();
  }
}
