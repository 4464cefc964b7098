package org.sparkbatchnorm.statistics;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
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

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private CanonicalBytes() {}

  /** The bytes of a state. */
  static byte[] of(ExactState state) {
    CanonicalBytes bytes = new CanonicalBytes();
    bytes.write(state.sums(), state.nonFinite());
    return bytes.out.toByteArray();
  }

  private void write(ExactSums sums, NonFiniteCounts nonFinite) {
    for (int i = 0; i < MAGIC.length(); i++) {
      out.write(MAGIC.charAt(i));
    }
    writeFixed(VERSION, 4);
    writeFixed(sums.channels(), 4);
    for (int c = 0; c < sums.channels(); c++) {
      writeVarint(sums.count(c));
      writeVarint(nonFinite.nan(c));
      writeVarint(nonFinite.positiveInfinity(c));
      writeVarint(nonFinite.negativeInfinity(c));
      writeNumber(sums.sum(c), sums.unitExponent());
      writeNumber(sums.squares(c), 2 * sums.unitExponent());
    }
    byte[] content = out.toByteArray();
    writeFixed(checksum(content, content.length), CHECKSUM_BYTES);
  }

  /** CRC32C of the first bytes. */
  static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }

  private void writeFixed(int value, int bytes) {
    for (int i = 0; i < bytes; i++) {
      out.write(value >>> (8 * i));
    }
  }

  private void writeVarint(long value) {
    long rest = value;
    while (rest > 0x7f) {
      out.write((int) ((rest & 0x7f) | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  private void writeNumber(BigInteger units, int unitExponent) {
    out.write(units.signum());
    if (units.signum() == 0) {
      return;
    }
    int zeros = units.getLowestSetBit();
    writeFixed(unitExponent + zeros, 2);
    byte[] magnitude = units.abs().shiftRight(zeros).toByteArray();
    int first = magnitude[0] == 0 ? 1 : 0; // toByteArray puts a sign bit in front
    writeVarint(magnitude.length - first);
    for (int i = magnitude.length - 1; i >= first; i--) {
      out.write(magnitude[i]);
    }
  }
}
