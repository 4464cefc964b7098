package org.sparkbatchnorm.statistics;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * K exact sums: two's-complement integers of L 64-bit limbs each, in units of a power of two, in
 * one array, lowest limb first. What Neal calls a superaccumulator (arXiv 1505.05571, section 2),
 * with carries resolved at once: an addition touches two limbs, and others only as far as its carry
 * runs.
 *
 * <p>Additions are those of the integers modulo 2^(64 L), so their order and grouping cannot
 * matter, and a sum that left the range on the way is right again when it is back. Mutable, not
 * thread-safe.
 */
final class FixedPoint {
  private final int limbs;
  private final int unitExponent;
  private final long[] words;

  private FixedPoint(int limbs, int unitExponent, long[] words) {
    this.limbs = limbs;
    this.unitExponent = unitExponent;
    this.words = words;
  }

  /**
   * Zeros.
   *
   * @param limbs 64-bit words of each number, 2 or more
   * @param unitExponent the unit is 2 to this power
   */
  static FixedPoint zeros(int numbers, int limbs, int unitExponent) {
    return new FixedPoint(limbs, unitExponent, new long[Math.multiplyExact(numbers, limbs)]);
  }

  FixedPoint copy() {
    return new FixedPoint(limbs, unitExponent, words.clone());
  }

  /** The same numbers in more limbs and a smaller unit. */
  FixedPoint widened(int moreLimbs, int smallerUnitExponent) {
    FixedPoint wide = zeros(words.length / limbs, moreLimbs, smallerUnitExponent);
    wide.addAll(this);
    return wide;
  }

  void clear() {
    Arrays.fill(words, 0);
  }

  int unitExponent() {
    return unitExponent;
  }

  /**
   * Adds {@code value * 2^exponent}.
   *
   * @throws ArithmeticException if that is no multiple of the unit, or its highest bits lie beyond
   *     the highest limb
   */
  void add(int number, long value, int exponent) {
    int shift = exponent - unitExponent;
    if (shift < 0) {
      requireMultiple(value, exponent);
      value >>= Math.min(63, -shift);
      shift = 0;
    }
    // The 128-bit two's complement of value << (shift mod 64); shifting in two steps makes a shift
    // by 64 bits out of bits = 0, where Java would shift by none.
    int bits = shift & 63;
    long high = value >> 1 >> (63 - bits);
    addLimbs(number, shift, value << bits, high, high >> 63);
  }

  /** {@link #add} of a value that is unsigned: 0 to 2^64 - 1. */
  void addUnsigned(int number, long value, int exponent) {
    int shift = exponent - unitExponent;
    if (shift < 0) {
      requireMultiple(value, exponent);
      value = -shift > 63 ? 0 : value >>> -shift;
      shift = 0;
    }
    int bits = shift & 63;
    addLimbs(number, shift, value << bits, value >>> 1 >>> (63 - bits), 0);
  }

  private void requireMultiple(long value, int exponent) {
    if (Long.numberOfTrailingZeros(value) < unitExponent - exponent && value != 0) {
      throw new ArithmeticException(
          value + " * 2^" + exponent + " is no multiple of 2^" + unitExponent);
    }
  }

  /**
   * Adds a number whose limb {@code shift / 64} is {@code low}, the next {@code high}, and all
   * further ones {@code above}: 0 or -1.
   */
  private void addLimbs(int number, int shift, long low, long high, long above) {
    int end = (number + 1) * limbs;
    int at = number * limbs + (shift >>> 6);
    if (at + 1 >= end) {
      addToHighest(at, end, shift, low, high == above);
      return;
    }
    long word = words[at];
    long sum = word + low;
    words[at] = sum;
    long word2 = words[at + 1];
    long sum2 = word2 + high + carry(word, low, sum);
    words[at + 1] = sum2;
    long step = above + carry(word2, high, sum2); // -1, 0 or 1
    if (step != 0) {
      propagate(at + 2, end, step);
    }
  }

  private void addToHighest(int at, int end, int shift, long low, boolean fits) {
    if (at >= end || !fits) {
      throw new ArithmeticException(
          "2^" + (unitExponent + shift) + " is beyond " + limbs + " limbs of 2^" + unitExponent);
    }
    words[at] += low;
  }

  /**
   * The carry out of {@code sum = a + b + carry in}, 0 or 1: in the highest bit both addends are 1,
   * or one is and the sum is not (Hacker's Delight, 2-16). Without branches: carries are as good as
   * random.
   */
  private static long carry(long a, long b, long sum) {
    return ((a & b) | ((a | b) & ~sum)) >>> 63;
  }

  /**
   * Adds 1 or -1 to the limbs from {@code at} on. A limb hands the 1 on only where it becomes 0,
   * the -1 only where it becomes all ones; beyond the highest limb it is lost: modulo 2^(64 L).
   */
  private void propagate(int at, int end, long step) {
    long wrapped = step >> 1; // 1 -> 0, -1 -> -1
    for (int i = at; i < end; i++) {
      words[i] += step;
      if (words[i] != wrapped) {
        return;
      }
    }
  }

  /** Adds {@code value * 2^exponent}, under the conditions of {@link #add}. */
  void add(int number, BigInteger value, int exponent) {
    // All 64-bit digits but the highest are unsigned; that one carries the sign.
    while (value.bitLength() > 63) {
      addUnsigned(number, value.longValue(), exponent);
      value = value.shiftRight(64);
      exponent += 64;
    }
    add(number, value.longValueExact(), exponent);
  }

  /** Adds the numbers of another to these, one to one; its unit and limbs may be fewer. */
  void addAll(FixedPoint other) {
    int numbers = words.length / limbs;
    for (int number = 0; number < numbers; number++) {
      if (limbs == other.limbs && unitExponent == other.unitExponent) {
        addSameWidth(number * limbs, other.words);
      } else {
        addNarrower(number, other);
      }
    }
  }

  private void addSameWidth(int from, long[] otherWords) {
    long carry = 0;
    for (int i = from; i < from + limbs; i++) {
      long word = words[i];
      long other = otherWords[i];
      long sum = word + other + carry;
      carry = carry(word, other, sum);
      words[i] = sum;
    }
  }

  private void addNarrower(int number, FixedPoint other) {
    int from = number * other.limbs;
    int highest = other.limbs - 1;
    for (int i = 0; i < highest; i++) {
      addUnsigned(number, other.words[from + i], other.unitExponent + 64 * i);
    }
    add(number, other.words[from + highest], other.unitExponent + 64 * highest);
  }

  /** 64-bit words of each number. */
  int limbs() {
    return limbs;
  }

  /** One of the 64-bit words of a number, 0 being the lowest. */
  long word(int number, int index) {
    return words[number * limbs + index];
  }

  /** Puts a word in its place. */
  void setWord(int number, int index, long word) {
    words[number * limbs + index] = word;
  }

  /**
   * A number's absolute value, in units.
   *
   * @param into filled with its {@link #limbs()}, lowest first
   * @return the number's sign: -1, 0 or 1
   */
  int magnitude(int number, long[] into) {
    int from = number * limbs;
    long sign = words[from + limbs - 1] >> 63; // 0 or -1
    long borrow = sign;
    long any = 0;
    for (int i = 0; i < limbs; i++) {
      // -x = ~x + 1; the 1 runs on through limbs that are 0.
      long word = (words[from + i] ^ sign) - borrow;
      borrow &= word == 0 ? -1 : 0;
      into[i] = word;
      any |= word;
    }
    return any == 0 ? 0 : (int) sign | 1;
  }

  /** A number, in units. */
  BigInteger value(int number) {
    ByteBuffer bytes = ByteBuffer.allocate(limbs * Long.BYTES);
    for (int i = limbs - 1; i >= 0; i--) {
      bytes.putLong(words[number * limbs + i]);
    }
    return new BigInteger(bytes.array());
  }
}
