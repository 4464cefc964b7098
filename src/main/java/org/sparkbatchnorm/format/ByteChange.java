package org.sparkbatchnorm.format;

import java.util.Objects;

/** Bytes that take the place of as many others in a file. Immutable. */
public final class ByteChange {
  private final long offset;
  private final byte[] bytes;

  private ByteChange(long offset, byte[] bytes) {
    this.offset = offset;
    this.bytes = bytes;
  }

  /**
   * A change.
   *
   * @param offset of the first byte replaced, from the start of the file
   * @param bytes what stands there afterwards; copied
   * @throws IllegalArgumentException if the offset is negative
   */
  public static ByteChange of(long offset, byte[] bytes) {
    if (offset < 0) {
      throw new IllegalArgumentException("offset is " + offset + ", but must be at least 0");
    }
    return new ByteChange(offset, bytes.clone());
  }

  /** Offset of the first byte. */
  public long offset() {
    return offset;
  }

  /** Offset after the last byte. */
  public long end() {
    return offset + bytes.length;
  }

  /** Number of bytes. */
  public int length() {
    return bytes.length;
  }

  /**
   * Puts those of its bytes that fall into a part of the file where they belong.
   *
   * @param part what was read of the file
   * @param from index in the array of the part's first byte
   * @param count length of the part
   * @param partOffset where the part begins in the file
   */
  public void applyTo(byte[] part, int from, int count, long partOffset) {
    Objects.checkFromIndexSize(from, count, part.length);
    long first = Math.max(offset, partOffset);
    long last = Math.min(end(), partOffset + count);
    if (first < last) {
      System.arraycopy(
          bytes,
          (int) (first - offset),
          part,
          from + (int) (first - partOffset),
          (int) (last - first));
    }
  }

  @Override
  public String toString() {
    return bytes.length + " bytes at " + offset;
  }
}
