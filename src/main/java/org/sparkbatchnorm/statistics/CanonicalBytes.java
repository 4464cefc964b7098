package org.sparkbatchnorm.statistics;

import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * The one encoding of a state: equal counts and sums give equal bytes, whatever element type,
 * kernel, order or width of the limbs they come from, so that the bytes can be compared, hashed and
 * published. Numbers are little-endian; a varint has 7 bits a byte, lowest first, the highest bit
 * set in all but the last, as few bytes as it takes, and is below 2^63.
 *
 * <pre>
 * bytes    content
 * 8        magic, ASCII "SBNEXACT"
 * 4        version, 1
 * 4        number of channels C
 *          C times:
 *   varint   n, number of finite values
 *   varint   number of NaNs
 *   varint   number of positive infinities
 *   varint   number of negative infinities
 *   number   S, sum of the finite values
 *   number   Q, sum of their squares
 * 4        CRC32C of everything before it
 *
 * number:
 * 1        sign: 0, 1 or -1; a 0 ends here
 * 2        exponent of the lowest set bit, signed
 * varint   bytes of magnitude
 * ...      magnitude / 2^exponent; its lowest bit is 1, its highest byte not 0
 * </pre>
 *
 * <p>{@link CanonicalReader} takes these bytes and no others.
 */
final class CanonicalBytes {
  static final String MAGIC = "SBNEXACT";
  static final int VERSION = 1;

  /** Magic, version and number of channels. */
  static final int HEADER_BYTES = 16;

  static final int CHECKSUM_BYTES = 4;

  /** A channel without values: four counts and two numbers of one byte each. */
  static final int LEAST_CHANNEL_BYTES = 6;

  private final ExactState state;
  private final long[] magnitude;
  private byte[] bytes;
  private int length;

  private CanonicalBytes(ExactState state) {
    this.state = state;
    magnitude = new long[state.sums().mostLimbs()];
    bytes = new byte[HEADER_BYTES + CHECKSUM_BYTES + 32 * state.sums().channels()];
  }

  /** The bytes of a state. */
  static byte[] of(ExactState state) {
    return new CanonicalBytes(state).write();
  }

  private byte[] write() {
    ExactSums sums = state.sums();
    NonFiniteCounts nonFinite = state.nonFinite();
    for (int i = 0; i < MAGIC.length(); i++) {
      write(MAGIC.charAt(i));
    }
    writeFixed(VERSION, 4);
    writeFixed(sums.channels(), 4);
    for (int c = 0; c < sums.channels(); c++) {
      writeVarint(sums.count(c));
      writeVarint(nonFinite.nan(c));
      writeVarint(nonFinite.positiveInfinity(c));
      writeVarint(nonFinite.negativeInfinity(c));
      Arrays.fill(magnitude, 0); // S fills fewer longs than Q
      writeNumber(sums.sumMagnitude(c, magnitude), sums.unitExponent());
      writeNumber(sums.squaresMagnitude(c, magnitude), 2 * sums.unitExponent());
    }
    writeFixed(checksum(bytes, length), CHECKSUM_BYTES);
    return Arrays.copyOf(bytes, length);
  }

  /** CRC32C of the first bytes. */
  static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }

  private void write(int value) {
    if (length == bytes.length) {
      bytes = Arrays.copyOf(bytes, 2 * length);
    }
    bytes[length++] = (byte) value;
  }

  private void writeFixed(int value, int count) {
    for (int i = 0; i < count; i++) {
      write(value >>> (8 * i));
    }
  }

  private void writeVarint(long value) {
    long rest = value;
    while (rest > 0x7f) {
      write((int) ((rest & 0x7f) | 0x80));
      rest >>>= 7;
    }
    write((int) rest);
  }

  /** Writes what is in {@link #magnitude}, of this sign and unit. */
  private void writeNumber(int sign, int unitExponent) {
    write(sign);
    if (sign == 0) {
      return;
    }
    int lowest = 0;
    while (magnitude[lowest] == 0) {
      lowest++;
    }
    int highest = magnitude.length - 1;
    while (magnitude[highest] == 0) {
      highest--;
    }
    int zeros = 64 * lowest + Long.numberOfTrailingZeros(magnitude[lowest]);
    int bits = 64 * (highest + 1) - Long.numberOfLeadingZeros(magnitude[highest]) - zeros;
    writeFixed(unitExponent + zeros, 2);
    writeVarint((bits + 7) / 8);
    for (int bit = zeros; bit < zeros + bits; bit += 8) {
      int limb = bit >>> 6;
      int shift = bit & 63;
      long eight = magnitude[limb] >>> shift;
      if (shift > 56 && limb < highest) {
        eight |= magnitude[limb + 1] << (64 - shift);
      }
      write((int) eight);
    }
  }
}
