package org.sparkbatchnorm.statistics;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InvalidObjectException;
import java.io.ObjectInputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.math.BigInteger;

/**
 * Exact sums of products of two finite doubles, a number of them side by side.
 *
 * <p>A product is a multiple of 2^-2148 below 2^2048, so that 2^63 of them stay below 2^(2148 +
 * 2048 + 63) = 2^4259 units, and 67 longs hold 4287 bits and a sign. Adding is integer addition:
 * neither order nor grouping can matter. Serialized without the words at both ends that say
 * nothing: some 30 bytes a number. Mutable, not thread-safe.
 */
final class ProductSums implements Serializable {
  private static final long serialVersionUID = 1L;

  /** The unit is 2 to this power. */
  static final int UNIT_EXPONENT = -2148;

  private static final int LIMBS = 67;

  private final transient int numbers;
  private final transient FixedPoint sums;

  private ProductSums(int numbers, FixedPoint sums) {
    this.numbers = numbers;
    this.sums = sums;
  }

  static ProductSums zeros(int numbers) {
    return new ProductSums(numbers, FixedPoint.zeros(numbers, LIMBS, UNIT_EXPONENT));
  }

  ProductSums copy() {
    return new ProductSums(numbers, sums.copy());
  }

  /** Adds {@code a * b}, both finite. */
  void add(int number, double a, double b) {
    long left = significand(a);
    long right = significand(b);
    int exponent = exponent(a) + exponent(b);
    // Below 2^106: two words, of which the higher one has the sign.
    sums.addUnsigned(number, left * right, exponent);
    sums.add(number, Math.multiplyHigh(left, right), exponent + 64);
  }

  /** Adds {@code weight * value}; the value is finite. */
  void add(int number, MiniBatchWeight weight, double value) {
    add(number, weight.high(), value);
    add(number, weight.low(), value);
  }

  private static long significand(double value) {
    long bits = Double.doubleToRawLongBits(value);
    long hidden = (bits & 0x7ff0_0000_0000_0000L) == 0 ? 0 : 1L << 52;
    long magnitude = (bits & 0xf_ffff_ffff_ffffL) | hidden;
    return bits < 0 ? -magnitude : magnitude;
  }

  /** Of the last bit of the significand. */
  private static int exponent(double value) {
    return Math.max(Math.getExponent(value), Double.MIN_EXPONENT) - 52;
  }

  /** Adds the numbers of another, one to one. */
  void addAll(ProductSums other) {
    sums.addAll(other.sums);
  }

  /** A number, in units of 2^{@value #UNIT_EXPONENT}. */
  BigInteger value(int number) {
    return sums.value(number);
  }

  private Object writeReplace() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(32 * numbers);
    try {
      DataOutputStream out = new DataOutputStream(bytes);
      for (int number = 0; number < numbers; number++) {
        write(out, number);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot be written to", e);
    }
    return new Encoded(numbers, bytes.toByteArray());
  }

  /** The first word that is not 0, how many follow up to the last that is not all sign, these. */
  private void write(DataOutputStream out, int number) throws IOException {
    int low = 0;
    while (low < LIMBS - 1 && sums.word(number, low) == 0) {
      low++;
    }
    int high = LIMBS - 1;
    while (high > low && sums.word(number, high) == sums.word(number, high - 1) >> 63) {
      high--;
    }
    out.writeByte(low);
    out.writeByte(high);
    for (int i = low; i <= high; i++) {
      out.writeLong(sums.word(number, i));
    }
  }

  private void read(DataInputStream in, int number) throws IOException {
    int low = in.readByte();
    int high = in.readByte();
    if (low < 0 || high < low || high >= LIMBS) {
      throw new InvalidObjectException("words " + low + " to " + high + " of " + LIMBS);
    }
    long word = 0;
    for (int i = low; i <= high; i++) {
      word = in.readLong();
      sums.setWord(number, i, word);
    }
    for (int i = high + 1; i < LIMBS; i++) {
      sums.setWord(number, i, word >> 63);
    }
  }

  private void readObject(ObjectInputStream in) throws InvalidObjectException {
    throw new InvalidObjectException("sums are read from their bytes");
  }

  private static final class Encoded implements Serializable {
    private static final long serialVersionUID = 1L;

    private final int numbers;
    private final byte[] words;

    Encoded(int numbers, byte[] words) {
      this.numbers = numbers;
      this.words = words;
    }

    private Object readResolve() throws InvalidObjectException {
      ProductSums sums = zeros(numbers);
      try {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(words));
        for (int number = 0; number < numbers; number++) {
          sums.read(in, number);
        }
        return sums;
      } catch (IOException e) {
        InvalidObjectException failure = new InvalidObjectException(e.getMessage());
        failure.initCause(e);
        throw failure;
      }
    }
  }
}
