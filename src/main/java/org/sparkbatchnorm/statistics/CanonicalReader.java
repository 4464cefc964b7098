package org.sparkbatchnorm.statistics;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;

/**
 * Reads {@link CanonicalBytes} and refuses all else: damaged and truncated bytes, encodings that
 * the writer would have made otherwise, and sums that no doubles have. What it accepts is written
 * again as the same bytes. The state is as narrow as its values allow.
 */
final class CanonicalReader {
  /** Q of 2^63 - 1 largest doubles in its smallest unit: 2148 + 2048 + 63 bits. */
  private static final int MOST_MAGNITUDE_BYTES = 533;

  private final byte[] bytes;
  private final int end;
  private int at;

  private CanonicalReader(byte[] bytes) {
    this.bytes = bytes;
    end = bytes.length - CanonicalBytes.CHECKSUM_BYTES;
  }

  /**
   * The state of these bytes.
   *
   * @throws MalformedStateException if they are not the canonical bytes of any state
   */
  static ExactState read(byte[] bytes) throws MalformedStateException {
    return new CanonicalReader(bytes).read();
  }

  private ExactState read() throws MalformedStateException {
    int channels = readHeader();
    ExactSums sums = ExactSums.forChannels(channels);
    long[] nan = new long[channels];
    long[] positiveInfinity = new long[channels];
    long[] negativeInfinity = new long[channels];
    for (int c = 0; c < channels; c++) {
      long n = readVarint();
      nan[c] = readVarint();
      positiveInfinity[c] = readVarint();
      negativeInfinity[c] = readVarint();
      readSums(sums, c, n);
    }
    if (at != end) {
      throw new MalformedStateException(at, end - at + " bytes too many");
    }
    return new ExactState(sums, new NonFiniteCounts(nan, positiveInfinity, negativeInfinity));
  }

  private int readHeader() throws MalformedStateException {
    if (end < CanonicalBytes.HEADER_BYTES) {
      throw new MalformedStateException(bytes.length, "truncated header");
    }
    int magicBytes = CanonicalBytes.MAGIC.length();
    String magic = new String(bytes, 0, magicBytes, StandardCharsets.ISO_8859_1);
    if (!magic.equals(CanonicalBytes.MAGIC)) {
      throw new MalformedStateException(0, "magic is not " + CanonicalBytes.MAGIC);
    }
    int version = intAt(magicBytes);
    if (version != CanonicalBytes.VERSION) {
      throw new MalformedStateException(
          magicBytes, "version " + version + ", expected " + CanonicalBytes.VERSION);
    }
    if (intAt(end) != CanonicalBytes.checksum(bytes, end)) {
      throw new MalformedStateException(end, "CRC32C does not match");
    }
    int channels = intAt(magicBytes + 4);
    at = CanonicalBytes.HEADER_BYTES;
    // Before anything is allocated for them.
    if (channels < 0 || channels > (end - at) / CanonicalBytes.LEAST_CHANNEL_BYTES) {
      throw new MalformedStateException(
          magicBytes + 4, channels + " channels in " + (end - at) + " bytes");
    }
    return channels;
  }

  private int intAt(int offset) {
    int value = 0;
    for (int i = 3; i >= 0; i--) {
      value = value << 8 | (bytes[offset + i] & 0xff);
    }
    return value;
  }

  private int readByte() throws MalformedStateException {
    if (at == end) {
      throw new MalformedStateException(at, "truncated channel");
    }
    return bytes[at++] & 0xff;
  }

  private long readVarint() throws MalformedStateException {
    int start = at;
    long value = 0;
    for (int shift = 0; shift < Long.SIZE - 1; shift += 7) {
      int next = readByte();
      value |= (long) (next & 0x7f) << shift;
      if (next < 0x80) {
        if (next == 0 && shift > 0) {
          throw new MalformedStateException(start, "varint with a leading zero");
        }
        return value;
      }
    }
    throw new MalformedStateException(start, "varint of more than 63 bits");
  }

  private void readSums(ExactSums sums, int channel, long n) throws MalformedStateException {
    int start = at;
    Dyadic sum = readDyadic();
    Dyadic squares = readDyadic();
    if (n == 0) {
      if (!sum.isZero() || !squares.isZero()) {
        throw new MalformedStateException(start, "sums of no values");
      }
      return;
    }
    if (!sum.isSumOf(n, -1074, 1024) || !squares.isSumOf(n, -2148, 2048)) {
      throw new MalformedStateException(start, "sums that " + n + " doubles do not have");
    }
    // Cauchy and Schwarz: S^2 <= n Q.
    Dyadic product = new Dyadic(squares.value.multiply(BigInteger.valueOf(n)), squares.exponent);
    Dyadic square = new Dyadic(sum.value.multiply(sum.value), 2 * sum.exponent);
    if (squares.value.signum() < 0 || square.compareTo(product) > 0) {
      throw new MalformedStateException(start, "squares of less than the square of the sum");
    }
    if (!sum.isSumOf(n, -149, 128) || !squares.isSumOf(n, -298, 256)) {
      sums.requireWide();
    }
    sums.add(channel, n, sum.value, sum.exponent, squares.value, squares.exponent);
  }

  private Dyadic readDyadic() throws MalformedStateException {
    int start = at;
    int sign = (byte) readByte();
    if (sign == 0) {
      return new Dyadic(BigInteger.ZERO, 0);
    }
    int exponent = (short) (readByte() | readByte() << 8);
    long length = readVarint();
    if (Math.abs(sign) != 1 || length == 0 || length > MOST_MAGNITUDE_BYTES || length > end - at) {
      throw new MalformedStateException(
          start, "number of sign " + sign + " and " + length + " bytes");
    }
    byte[] magnitude = new byte[(int) length];
    for (int i = magnitude.length - 1; i >= 0; i--) {
      magnitude[i] = (byte) readByte();
    }
    if (magnitude[0] == 0 || (magnitude[magnitude.length - 1] & 1) == 0) {
      throw new MalformedStateException(start, "magnitude with zeros at an end");
    }
    return new Dyadic(new BigInteger(sign, magnitude), exponent);
  }

  /** A dyadic rational: {@code value * 2^exponent}. */
  private record Dyadic(BigInteger value, int exponent) implements Comparable<Dyadic> {
    boolean isZero() {
      return value.signum() == 0;
    }

    /** Whether it may be a sum of n multiples of 2^least, all of a magnitude below 2^most. */
    boolean isSumOf(long n, int least, int most) {
      if (isZero() || (exponent >= least && value.abs().bitLength() + exponent <= most)) {
        return true; // n >= 1
      }
      Dyadic bound = new Dyadic(BigInteger.valueOf(n), most);
      return exponent >= least && new Dyadic(value.abs(), exponent).compareTo(bound) < 0;
    }

    @Override
    public int compareTo(Dyadic other) {
      int common = Math.min(exponent, other.exponent);
      return value
          .shiftLeft(exponent - common)
          .compareTo(other.value.shiftLeft(other.exponent - common));
    }
  }
}
