package org.sparkbatchnorm.format.parquet;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.apache.parquet.io.ParquetDecodingException;

/**
 * Small non-negative integers, run-length encoded and bit-packed in turns (Encodings.md, RLE = 3):
 * levels, and indices into a dictionary. Mutable, not thread-safe.
 *
 * <pre>
 * run      varint(count &lt;&lt; 1), the value in ceil(width / 8) bytes
 * packed   varint(groups &lt;&lt; 1 | 1), 8 * groups values of width bits, from the lowest bit on
 * </pre>
 */
final class HybridRuns {
  /** Bytes that may be read beyond the last one, whatever they are. */
  static final int SLACK = 8;

  private static final int MOST_UNPACKED = 1_024;
  private static final int MOST_BITS = 32;

  private final int width;
  private final long mask;
  private final int[] unpacked = new int[MOST_UNPACKED];
  private final ByteBuffer bytes;
  private final int end;
  private int next;

  /** Values left of the run, or of the packed groups besides those that are unpacked. */
  private long left;

  private boolean packed;
  private int runValue;
  private long nextBit;
  private int unpackedAt;
  private int unpackedEnd;

  /**
   * Values of {@code width} bits.
   *
   * @param bytes little-endian, with {@link #SLACK} bytes behind {@code end}
   * @param begin index of the first byte
   * @param end index behind the last byte
   */
  HybridRuns(int width, ByteBuffer bytes, int begin, int end) {
    if (width < 0 || width > MOST_BITS) {
      throw new ParquetDecodingException("values of " + width + " bits");
    }
    this.width = width;
    this.mask = (1L << width) - 1;
    this.bytes = bytes;
    this.next = begin;
    this.end = end;
  }

  /** The next value. */
  int value() {
    fill();
    return packed ? unpacked[unpackedAt] : runValue;
  }

  /** How many values from the next on are the same, as far as is known: at least 1. */
  int run() {
    fill();
    if (!packed) {
      return (int) Math.min(left, Integer.MAX_VALUE);
    }
    int value = unpacked[unpackedAt];
    int to = unpackedAt + 1;
    while (to < unpackedEnd && unpacked[to] == value) {
      to++;
    }
    return to - unpackedAt;
  }

  /** Passes over values that {@link #run} has seen. */
  void skip(int count) {
    if (packed) {
      unpackedAt += count;
    } else {
      left -= count;
    }
  }

  /** Reads the next values. */
  void read(int[] destination, int count) {
    for (int done = 0; done < count; ) {
      fill();
      int some;
      if (packed) {
        some = Math.min(count - done, unpackedEnd - unpackedAt);
        System.arraycopy(unpacked, unpackedAt, destination, done, some);
      } else {
        some = (int) Math.min(count - done, left);
        Arrays.fill(destination, done, done + some, runValue);
      }
      skip(some);
      done += some;
    }
  }

  /** Makes sure that there is a next value. */
  private void fill() {
    if (packed && unpackedAt < unpackedEnd) {
      return;
    }
    while (left == 0) {
      begin();
    }
    if (packed) {
      unpack();
    }
  }

  private void begin() {
    long header = varint();
    packed = (header & 1) == 1;
    unpackedAt = 0;
    unpackedEnd = 0;
    if (packed) {
      // Some writers leave out what of the last group is not needed.
      long there = width == 0 ? Long.MAX_VALUE : 8L * (end - next) / width;
      long count = (header >>> 1) * 8;
      left = Math.min(count, there);
      nextBit = 8L * next;
      next += (int) Math.min(end - next, (count * width + 7) / 8);
    } else {
      left = header >>> 1;
      runValue = 0;
      for (int shift = 0; shift < width; shift += 8) {
        runValue |= nextByte() << shift;
      }
    }
  }

  private void unpack() {
    int count = (int) Math.min(left, MOST_UNPACKED);
    long bit = nextBit;
    for (int i = 0; i < count; i++) {
      unpacked[i] = (int) (bytes.getLong((int) (bit >>> 3)) >>> (bit & 7) & mask);
      bit += width;
    }
    nextBit = bit;
    left -= count;
    unpackedAt = 0;
    unpackedEnd = count;
  }

  private long varint() {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      int read = nextByte();
      value |= (read & 0x7fL) << shift;
      if (read < 0x80) {
        return value & 0xffffffffL;
      }
      if (shift >= MOST_BITS) {
        throw new ParquetDecodingException("a run length of more than 32 bits");
      }
    }
  }

  private int nextByte() {
    if (next >= end) {
      throw new ParquetDecodingException("there are fewer values than the page declares");
    }
    return bytes.get(next++) & 0xff;
  }
}
