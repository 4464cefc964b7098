package org.sparkbatchnorm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class ElementsTest {
  private static final List<ByteOrder> ORDERS =
      List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN);

  /**
   * Big-endian bytes and their values: the types' extremes and a few between, written by hand from
   * IEEE 754 and two's complement.
   */
  static Stream<Arguments> knownBytes() {
    return Stream.of(
        Arguments.of(
            DType.F64,
            "3ff0000000000000 c000000000000000 0000000000000001 7fefffffffffffff fff0000000000000",
            new double[] {1, -2, Double.MIN_VALUE, Double.MAX_VALUE, Double.NEGATIVE_INFINITY}),
        Arguments.of(
            DType.F32,
            "3f800000 c0000000 00000001 7f7fffff 7fc00000 80000000",
            new double[] {1, -2, 0x1p-149, 0x1.fffffep127, Double.NaN, -0.0}),
        Arguments.of(
            DType.F16,
            "3c00 c000 0001 7bff 7c00 7e00 8000",
            new double[] {1, -2, 0x1p-24, 65504, Double.POSITIVE_INFINITY, Double.NaN, -0.0}),
        Arguments.of(
            DType.BF16,
            "3f80 c000 0001 7f7f ff80 7fc0 8000",
            new double[] {1, -2, 0x1p-133, 0x1.fep127, Double.NEGATIVE_INFINITY, Double.NaN, -0.0}),
        Arguments.of(
            DType.I64,
            "0000000000000001 ffffffffffffffff 8000000000000000 7fffffffffffffff 0020000000000001",
            new double[] {1, -1, -0x1p63, 0x1p63, 0x1p53}),
        Arguments.of(
            DType.I32,
            "00000001 ffffffff 80000000 7fffffff",
            new double[] {1, -1, -2147483648.0, 2147483647}),
        Arguments.of(DType.I16, "0001 ffff 8000 7fff", new double[] {1, -1, -32768, 32767}),
        Arguments.of(DType.I8, "01 ff 80 7f", new double[] {1, -1, -128, 127}),
        Arguments.of(
            DType.U32,
            "00000001 ffffffff 80000000 7fffffff",
            new double[] {1, 4294967295.0, 2147483648.0, 2147483647}),
        Arguments.of(DType.U16, "0001 ffff 8000 7fff", new double[] {1, 65535, 32768, 32767}),
        Arguments.of(DType.U8, "01 ff 80 7f", new double[] {1, 255, 128, 127}));
  }

  @Test
  void everyTypeHasKnownBytes() {
    assertThat(knownBytes().map(known -> known.get()[0]))
        .containsExactly((Object[]) DType.values());
  }

  @ParameterizedTest
  @MethodSource("knownBytes")
  void decodesFromThePositionOnInEitherByteOrder(DType dtype, String bigEndian, double[] expected) {
    for (ByteOrder order : ORDERS) {
      for (boolean direct : new boolean[] {false, true}) {
        byte[] bytes = bytes(dtype, bigEndian, order);
        int size = 3 + bytes.length;
        ByteBuffer buffer = direct ? ByteBuffer.allocateDirect(size) : ByteBuffer.allocate(size);
        buffer.position(3).put(bytes).position(3).order(order);
        double[] values = new double[expected.length];
        Elements.decode(dtype, buffer, values, expected.length);
        assertThat(values).as("%s, %s", dtype, order).isEqualTo(expected);
        assertThat(buffer.position()).isEqualTo(3);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("knownBytes")
  void encodesWhatItDecodesAndRefusesIntegers(DType dtype, String bigEndian, double[] values) {
    for (ByteOrder order : ORDERS) {
      byte[] expected = bytes(dtype, bigEndian, order);
      ByteBuffer buffer = ByteBuffer.allocate(expected.length + 3).order(order).position(2);
      if (dtype.isFloating()) {
        Elements.encode(dtype, values, values.length, buffer);
        assertThat(buffer.position()).isEqualTo(2 + expected.length);
        assertThat(HexFormat.of().formatHex(buffer.array(), 2, 2 + expected.length))
            .as("%s, %s", dtype, order)
            .isEqualTo(HexFormat.of().formatHex(expected));
      } else {
        assertThatThrownBy(() -> Elements.encode(dtype, values, values.length, buffer))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("cannot write " + dtype + ": not a floating-point type");
      }
    }
  }

  @Test
  void leavesAloneWhatLiesBeyondTheCount() {
    ByteBuffer bytes = ByteBuffer.wrap(new byte[] {1, 2, 3});
    double[] values = {9, 9, 9};
    Elements.decode(DType.U8, bytes, values, 2);
    assertThat(values).containsExactly(1, 2, 9);
  }

  @Test
  void narrowingRoundsOnceAndOverflowsToInfinity() {
    // 1 + 2^-24 is half-way between two floats, the next double above it is not.
    double[] values = {1 + 0x1p-24, Math.nextUp(1 + 0x1p-24), 0x1.ffffffp127, -1e39};
    ByteBuffer buffer = ByteBuffer.allocate(16);
    Elements.encode(DType.F32, values, 4, buffer);
    assertThat(HexFormat.of().formatHex(buffer.array()))
        .isEqualTo("3f800000" + "3f800001" + "7f800000" + "ff800000");
  }

  @ParameterizedTest
  @EnumSource
  void decodeRefusesAShortBufferAndAShortArrayBeforeItWrites(DType dtype) {
    ByteBuffer twoElements = ByteBuffer.allocate(3 * dtype.bytes() - 1);
    if (dtype.bytes() == 1) {
      twoElements.limit(2);
    }
    double[] values = {7, 7, 7};
    assertThatThrownBy(() -> Elements.decode(dtype, twoElements, values, 3))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("Range [0, 0 + 3) out of bounds for length 2");
    assertThat(values).containsExactly(7, 7, 7);
    assertThatThrownBy(() -> Elements.decode(dtype, twoElements, new double[1], 2))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("Range [0, 0 + 2) out of bounds for length 1");
    assertThatThrownBy(() -> Elements.decode(dtype, twoElements, values, -1))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("Range [0, 0 + -1) out of bounds for length 3");
  }

  @Test
  void encodeRefusesAShortBufferAndAShortArrayBeforeItWrites() {
    ByteBuffer buffer = ByteBuffer.allocate(11);
    assertThatThrownBy(() -> Elements.encode(DType.F32, new double[] {1, 2, 3}, 3, buffer))
        .isInstanceOf(BufferOverflowException.class)
        .hasMessage(null);
    assertThat(buffer.position()).isZero();
    assertThatThrownBy(() -> Elements.encode(DType.F32, new double[1], 2, buffer))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage("Range [0, 0 + 2) out of bounds for length 1");
  }

  private static byte[] bytes(DType dtype, String bigEndian, ByteOrder order) {
    byte[] bytes = HexFormat.of().parseHex(bigEndian.replace(" ", ""));
    if (order == ByteOrder.LITTLE_ENDIAN) {
      for (int start = 0; start < bytes.length; start += dtype.bytes()) {
        for (int i = start, j = start + dtype.bytes() - 1; i < j; i++, j--) {
          byte first = bytes[i];
          bytes[i] = bytes[j];
          bytes[j] = first;
        }
      }
    }
    return bytes;
  }
}
