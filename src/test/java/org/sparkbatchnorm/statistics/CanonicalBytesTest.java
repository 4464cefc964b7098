package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.function.DoubleConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.TensorBlock;

/** One state, one encoding; and nothing else is read. */
class CanonicalBytesTest {
  private static final long SEED = 32_1505;
  private static final String HEADER = "53424e4558414354" + "01000000" + "01000000";

  private static ExactState state(TensorBlock... blocks) {
    int channels = blocks[0].view().channels();
    ExactSums sums = ExactSums.forChannels(channels);
    NonFiniteCounts nonFinite = NonFiniteCounts.none(channels);
    ExactScalarKernel kernel = new ExactScalarKernel(sums, nonFinite);
    for (TensorBlock block : blocks) {
      kernel.add(block);
    }
    kernel.flush();
    return new ExactState(sums, nonFinite);
  }

  private static byte[] bytes(TensorBlock... blocks) {
    return CanonicalBytes.of(state(blocks));
  }

  private static byte[] withChecksum(String hex) {
    byte[] content = HexFormat.of().parseHex(hex);
    return ByteBuffer.allocate(content.length + 4)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(content)
        .putInt(CanonicalBytes.checksum(content, content.length))
        .array();
  }

  private static TensorBlock floats(DType dtype, ChannelView view, double... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes());
    Elements.encode(dtype, values, values.length, bytes);
    return TensorBlock.whole(dtype, bytes.flip(), view);
  }

  private static TensorBlock random(DType dtype, int channels, int rows) {
    ByteBuffer bytes = ExactBlocks.patterns(dtype, channels * rows, new Random(SEED));
    return TensorBlock.whole(dtype, bytes, new ChannelView(rows, channels, 1));
  }

  /** By hand from the table. */
  @Test
  void theBytesAreThoseOfTheTable() {
    // 3 - 7 = -4 = -1 * 2^2; 9 + 49 = 58 = 29 * 2^1
    TensorBlock block =
        floats(DType.F32, new ChannelView(4, 1, 1), 3, Double.NaN, -7, Double.NEGATIVE_INFINITY);
    String content =
        HEADER + "02010001" + "ff" + "0200" + "01" + "01" + "01" + "0100" + "01" + "1d";
    assertThat(bytes(block)).isEqualTo(withChecksum(content));
    // 300 values of 2^-149: counts of two bytes; 300 = 75 * 2^2
    double[] values = new double[300];
    Arrays.fill(values, 0x1p-149);
    content = HEADER + "ac02000000" + "01" + "6dff" + "01" + "4b" + "01" + "d8fe" + "01" + "4b";
    assertThat(bytes(floats(DType.F32, new ChannelView(1, 1, 300), values)))
        .isEqualTo(withChecksum(content));
    // 255 has a byte of magnitude: no sign bit in front
    content = HEADER + "01000000" + "01" + "0000" + "01" + "ff" + "01" + "0000" + "02" + "01fe";
    assertThat(bytes(floats(DType.BF16, new ChannelView(1, 1, 1), 255)))
        .isEqualTo(withChecksum(content));
    assertThat(bytes(floats(DType.F64, new ChannelView(0, 1, 1))))
        .isEqualTo(withChecksum(HEADER + "000000000000"));
  }

  @Test
  void theTypeOfEqualValuesDoesNotMatter() {
    ChannelView view = new ChannelView(3, 2, 1);
    byte[] expected = bytes(floats(DType.F64, view, 1, -2, 3, 0.5, 5, -1024));
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      assertThat(bytes(floats(dtype, view, 1, -2, 3, 0.5, 5, -1024))).isEqualTo(expected);
    }
    byte[] integers = bytes(floats(DType.F64, view, 1, -2, 3, 0, 5, -128));
    TensorBlock i8 =
        TensorBlock.whole(DType.I8, ByteBuffer.wrap(new byte[] {1, -2, 3, 0, 5, -128}), view);
    assertThat(bytes(i8)).isEqualTo(integers);
  }

  @Test
  void orderBlocksAndLayoutDoNotMatter() {
    for (DType dtype : DType.values()) {
      ByteBuffer data = ExactBlocks.patterns(dtype, 4 * 3 * 10, new Random(SEED));
      TensorBlock whole = TensorBlock.whole(dtype, data, new ChannelView(4, 3, 10));
      byte[] expected = bytes(whole);
      assertThat(bytes(ExactBlocks.transposed(whole))).as("seed %d", SEED).isEqualTo(expected);
      assertThat(
              bytes(
                  ExactBlocks.part(whole, 77, 120),
                  ExactBlocks.part(whole, 0, 13),
                  ExactBlocks.part(whole, 13, 77)))
          .as("seed %d", SEED)
          .isEqualTo(expected);
    }
  }

  @Test
  void whatIsReadIsTheStateAgain() throws MalformedStateException {
    for (DType dtype : DType.values()) {
      for (int channels : new int[] {1, 7}) {
        for (int rows : new int[] {0, 1, 2, 500}) {
          ExactState state = state(random(dtype, channels, rows));
          byte[] bytes = CanonicalBytes.of(state);
          ExactState read = CanonicalReader.read(bytes);
          assertThat(CanonicalBytes.of(read)).as("seed %d, %s", SEED, dtype).isEqualTo(bytes);
          assertThat(read.nonFinite()).isEqualTo(state.nonFinite());
          assertThat(read.sums().unitExponent())
              .isEqualTo(dtype == DType.F64 && rows > 0 ? -1074 : -149);
        }
      }
    }
    byte[] none = CanonicalBytes.of(new ExactState(ExactSums.forChannels(0), noCounts(0)));
    assertThat(CanonicalReader.read(none).sums().channels()).isZero();
  }

  private static NonFiniteCounts noCounts(int channels) {
    return NonFiniteCounts.none(channels);
  }

  /** The largest and smallest sums there can be, with their limbs full up to the highest. */
  @Test
  void fullStatesAreReadAgain() throws MalformedStateException {
    for (double value :
        new double[] {
          Double.MAX_VALUE, -Double.MAX_VALUE, Double.MIN_VALUE, Float.MAX_VALUE, -Float.MIN_VALUE
        }) {
      ExactSums sums = ExactSums.forChannels(1);
      sums.add(0, value);
      for (int i = 0; i < 62; i++) {
        sums.merge(sums);
      }
      byte[] bytes = CanonicalBytes.of(new ExactState(sums, noCounts(1)));
      ExactSums read = CanonicalReader.read(bytes).sums();
      assertThat(CanonicalBytes.of(new ExactState(read, noCounts(1)))).isEqualTo(bytes);
      boolean narrow = (float) value == value && value != 0;
      assertThat(read.unitExponent()).isEqualTo(narrow ? -149 : -1074);
    }
  }

  @Test
  void everyFlippedBitAndEveryTruncationIsRefused() {
    byte[] bytes = bytes(random(DType.F32, 40, 30));
    assertThat(bytes.length).isBetween(2_000, 8_000);
    for (int bit = 0; bit < 8 * bytes.length; bit++) {
      byte[] flipped = bytes.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertThat(catchThrowable(() -> CanonicalReader.read(flipped)))
          .as("seed %d, bit %d", SEED, bit)
          .isInstanceOf(MalformedStateException.class);
    }
    for (int length = 0; length < bytes.length; length++) {
      byte[] truncated = Arrays.copyOf(bytes, length);
      assertThat(catchThrowable(() -> CanonicalReader.read(truncated)))
          .as("seed %d, %d bytes", SEED, length)
          .isInstanceOf(MalformedStateException.class);
    }
  }

  /** With a right checksum it is the reader's rules that refuse, or what it takes is canonical. */
  @Test
  void whatIsAcceptedIsCanonical() {
    Random random = new Random(SEED);
    byte[] bytes = bytes(random(DType.F32, 3, 5), random(DType.F32, 3, 8));
    int accepted = 0;
    for (int i = 0; i < 200_000; i++) {
      byte[] content = Arrays.copyOf(bytes, bytes.length - 4);
      for (int changes = 1 + random.nextInt(2); changes > 0; changes--) {
        content[12 + random.nextInt(content.length - 12)] = (byte) random.nextInt(256);
      }
      byte[] changed = withChecksum(HexFormat.of().formatHex(content));
      try {
        assertThat(CanonicalBytes.of(CanonicalReader.read(changed)))
            .as("seed %d, input %d", SEED, i)
            .isEqualTo(changed);
        accepted++;
      } catch (MalformedStateException expected) {
        assertThat(expected).hasMessageStartingWith("statistics state, byte ");
      }
    }
    assertThat(accepted).as("a test that refuses all shows nothing").isBetween(1_000, 199_000);
  }

  @ParameterizedTest
  @CsvSource({
    "53424e45584143540100000000, '17: truncated header'",
    "53424e455841435501000000ffffffff, '0: magic is not SBNEXACT'",
    "53424e45584143540200000000000000, '8: version 2, expected 1'",
    "53424e455841435401000000ffffffff, '12: -1 channels in 0 bytes'",
    "53424e45584143540100000001000000, '12: 1 channels in 0 bytes'",
    "53424e4558414354010000000100000000000000000000, '22: 1 bytes too many'",
    "53424e455841435401000000010000008000000000000000, '16: varint with a leading zero'",
    "53424e45584143540100000001000000ffffffffffffffffff000000, '16: varint of more than 63 bits'",
    "53424e4558414354010000000100000000000000018000, '23: truncated channel'",
    // n = 0, S = 1
    "53424e4558414354010000000100000000000000010000010100, '20: sums of no values'",
    // n = 1, S = 1, Q = 0
    "53424e4558414354010000000100000001000000010000010100,"
        + "'20: squares of less than the square of the sum'",
    // n = 1, S = 0, Q = -1
    "53424e455841435401000000010000000100000000ff00000101,"
        + "'20: squares of less than the square of the sum'",
    // sign 2; no bytes; 534 bytes; S = 2; S = 0x0001
    "53424e4558414354010000000100000001000000020000010100, '20: number of sign 2 and 1 bytes'",
    "53424e45584143540100000001000000010000000100000000, '20: number of sign 1 and 0 bytes'",
    "53424e455841435401000000010000000100000001000096040100,"
        + "'20: number of sign 1 and 534 bytes'",
    "53424e4558414354010000000100000001000000010000010200, '20: magnitude with zeros at an end'",
    "53424e455841435401000000010000000100000001000002010000, '20: magnitude with zeros at an end'",
    // n = 1, S = 2^-1075; S = 2^1024; Q = 2^2048
    "53424e4558414354010000000100000001000000"
        + "01cdfb0101"
        + "0100000101,"
        + "'20: sums that 1 doubles do not have'",
    "53424e4558414354010000000100000001000000"
        + "0100040101"
        + "0100000101,"
        + "'20: sums that 1 doubles do not have'",
    "53424e4558414354010000000100000001000000"
        + "0100000101"
        + "0100080101,"
        + "'20: sums that 1 doubles do not have'"
  })
  void otherEncodingsAreRefused(String hex, String message) {
    assertThatThrownBy(() -> CanonicalReader.read(withChecksum(hex)))
        .isInstanceOf(MalformedStateException.class)
        .hasMessage("statistics state, byte " + message);
  }

  @Test
  void aWrongChecksumIsNamed() {
    byte[] bytes = bytes(random(DType.F32, 1, 1));
    bytes[bytes.length - 1] ^= 1;
    assertThatThrownBy(() -> CanonicalReader.read(bytes))
        .isInstanceOf(MalformedStateException.class)
        .hasMessage("statistics state, byte " + (bytes.length - 4) + ": CRC32C does not match");
  }

  /** The state of values is the state of their halves' bytes, read and merged. */
  @Test
  void statesMergeAfterReading() throws MalformedStateException {
    Random random = new Random(SEED);
    ExactSums all = ExactSums.forChannels(1);
    ExactSums first = ExactSums.forChannels(1);
    ExactSums second = ExactSums.forChannels(1);
    for (int i = 0; i < 200; i++) {
      double value = ExactBlocks.Data.LOG_NORMAL.next(random);
      DoubleConsumer half = x -> (random.nextBoolean() ? first : second).add(0, x);
      all.add(0, i < 100 ? (float) value : value);
      half.accept(i < 100 ? (float) value : value);
    }
    ExactSums merged = ExactSums.forChannels(1);
    for (ExactSums part : new ExactSums[] {second, first}) {
      byte[] bytes = CanonicalBytes.of(new ExactState(part, noCounts(1)));
      merged.merge(CanonicalReader.read(bytes).sums());
    }
    assertThat(CanonicalBytes.of(new ExactState(merged, noCounts(1))))
        .as("seed %d", SEED)
        .isEqualTo(CanonicalBytes.of(new ExactState(all, noCounts(1))));
  }
}
