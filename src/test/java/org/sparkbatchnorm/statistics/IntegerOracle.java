package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Half;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * n, S and Q of the channels in the plainest arithmetic there is: each value a BigInteger in units
 * of 2^-1074, added one by one.
 */
final class IntegerOracle {
  private static final int UNIT = -1074;

  private final long[] count;
  private final BigInteger[] sums;
  private final BigInteger[] squares;

  IntegerOracle(int channels) {
    count = new long[channels];
    sums = new BigInteger[channels];
    squares = new BigInteger[channels];
    for (int c = 0; c < channels; c++) {
      sums[c] = BigInteger.ZERO;
      squares[c] = BigInteger.ZERO;
    }
  }

  void add(int channel, BigInteger significand, int exponent) {
    BigInteger units = significand.shiftLeft(exponent - UNIT);
    count[channel]++;
    sums[channel] = sums[channel].add(units);
    squares[channel] = squares[channel].add(units.multiply(units));
  }

  /** A finite double, which is a whole number of its ulps. */
  void add(int channel, double value) {
    int exponent = Math.max(Math.getExponent(value), Double.MIN_EXPONENT) - 52;
    add(channel, BigInteger.valueOf((long) Math.scalb(value, -exponent)), exponent);
  }

  /** All finite values of a block, each element decoded by itself. */
  IntegerOracle addAll(TensorBlock block) {
    ChannelView view = block.view();
    ByteBuffer bytes = block.bytes().duplicate().order(block.bytes().order());
    for (int i = 0; i < block.elements(); i++) {
      long position = block.firstElement() + i;
      add((int) (position / view.inner() % view.channels()), block.dtype(), bytes);
    }
    return this;
  }

  private void add(int channel, DType dtype, ByteBuffer bytes) {
    double value =
        switch (dtype) {
          case F64 -> bytes.getDouble();
          case F32 -> bytes.getFloat();
          case F16 -> Half.ofBinary16(bytes.getShort());
          case BF16 -> Half.ofBfloat16(bytes.getShort());
          case I64 -> {
            add(channel, BigInteger.valueOf(bytes.getLong()), 0);
            yield Double.NaN;
          }
          case I32 -> bytes.getInt();
          case I16 -> bytes.getShort();
          case I8 -> bytes.get();
          case U32 -> Integer.toUnsignedLong(bytes.getInt());
          case U16 -> Short.toUnsignedInt(bytes.getShort());
          case U8 -> Byte.toUnsignedInt(bytes.get());
        };
    if (Double.isFinite(value)) {
      add(channel, value);
    }
  }

  long count(int channel) {
    return count[channel];
  }

  /** S in units of 2^-1074. */
  BigInteger sum(int channel) {
    return sums[channel];
  }

  /** Q in units of 2^-2148. */
  BigInteger squares(int channel) {
    return squares[channel];
  }

  void assertSame(ExactSums exact, String what) {
    assertThat(exact.channels()).as(what).isEqualTo(count.length);
    int shift = exact.unitExponent() - UNIT;
    for (int c = 0; c < count.length; c++) {
      assertThat(exact.count(c)).as("%s, n of channel %d", what, c).isEqualTo(count[c]);
      assertThat(exact.sum(c).shiftLeft(shift))
          .as("%s, S of channel %d", what, c)
          .isEqualTo(sums[c]);
      assertThat(exact.squares(c).shiftLeft(2 * shift))
          .as("%s, Q of channel %d", what, c)
          .isEqualTo(squares[c]);
    }
  }
}
