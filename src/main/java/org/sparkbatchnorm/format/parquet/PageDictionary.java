package org.sparkbatchnorm.format.parquet;

import java.nio.ByteBuffer;
import org.apache.parquet.io.ParquetDecodingException;

/** The distinct values of a column chunk, plain, from the page before its others. */
final class PageDictionary {
  /** Places that are unpacked at a time. */
  private static final int SOME = 16_384;

  private final ByteBuffer page;
  private final int size;
  private final int width;

  /** Where binaries that differ in length begin, and where the last one ends. */
  private final int[] begins;

  private final int[] places;

  /**
   * A dictionary of this many values.
   *
   * @param page little-endian
   * @param leaf what the values are
   * @throws RuntimeException if the page is too short for them
   */
  PageDictionary(ByteBuffer page, int size, LeafColumn leaf) {
    this.page = page;
    this.size = size;
    width = leaf.fixedBytes();
    if (size < 0 || (long) size * (width == 0 ? Integer.BYTES : width) > page.remaining()) {
      throw new ParquetDecodingException(
          "a dictionary of " + size + " values in " + page.remaining() + " bytes");
    }
    places = new int[leaf.isBinary() ? 0 : SOME];
    begins = new int[width == 0 ? size + 1 : 0];
    if (width == 0) {
      int at = page.position();
      for (int i = 0; i < size; i++) {
        begins[i] = at;
        at = Math.addExact(at, Integer.BYTES + requirePositive(page.getInt(at)));
      }
      begins[size] = at;
    }
  }

  private static int requirePositive(int length) {
    if (length < 0) {
      throw new ParquetDecodingException("a binary of " + length + " bytes");
    }
    return length;
  }

  /** The next numbers at these places, as many as are wanted and fit into the block at most. */
  ByteBuffer numbers(HybridRuns next, int wanted, ByteBuffer block) {
    int count = Math.min(wanted, Math.min(SOME, block.capacity() / width));
    next.read(places, count);
    block.clear();
    int base = page.position();
    if (width == Float.BYTES) {
      for (int i = 0; i < count; i++) {
        block.putInt(Float.BYTES * i, page.getInt(base + Float.BYTES * checked(places[i])));
      }
    } else {
      for (int i = 0; i < count; i++) {
        block.putLong(Double.BYTES * i, page.getLong(base + Double.BYTES * checked(places[i])));
      }
    }
    return block.limit(count * width);
  }

  /** The binary at a place. */
  ByteBuffer binary(int place) {
    checked(place);
    if (width > 0) {
      return page.slice(page.position() + place * width, width);
    }
    int begin = begins[place] + Integer.BYTES;
    return page.slice(begin, begins[place + 1] - begin);
  }

  private int checked(int place) {
    if (place < 0 || place >= size) {
      throw new ParquetDecodingException("place " + place + " in a dictionary of " + size);
    }
    return place;
  }
}
