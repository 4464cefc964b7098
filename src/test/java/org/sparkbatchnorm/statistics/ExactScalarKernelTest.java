package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkbatchnorm.statistics.ExactBlocks.part;
import static org.sparkbatchnorm.statistics.ExactBlocks.sums;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Every sum equals the one of BigIntegers, for all types, layouts and cuts into blocks. */
class ExactScalarKernelTest {
  private static final long SEED = 1_502_03167;

  /** Runs long and short, channels first and last, one channel, and more than have buckets. */
  private static final List<ChannelView> VIEWS =
      List.of(
          new ChannelView(3, 5, 200),
          new ChannelView(40, 5, 7),
          new ChannelView(300, 5, 1),
          new ChannelView(1, 1, 999),
          new ChannelView(999, 1, 1),
          new ChannelView(3, 100, 2),
          new ChannelView(1, 5_000, 1));

  static Stream<Arguments> floatingDataAndViews() {
    List<Arguments> cases = new ArrayList<>();
    for (DType dtype : List.of(DType.F16, DType.BF16, DType.F32, DType.F64)) {
      for (ExactBlocks.Data data : ExactBlocks.Data.values()) {
        cases.add(Arguments.of(dtype, data));
      }
    }
    return cases.stream();
  }

  private static void check(TensorBlock block, String what) {
    IntegerOracle oracle = new IntegerOracle(block.view().channels()).addAll(block);
    oracle.assertSame(sums(block), what);
  }

  @ParameterizedTest
  @MethodSource("floatingDataAndViews")
  void sumsOfFloatingPointValuesAreExact(DType dtype, ExactBlocks.Data data) {
    Random random = new Random(SEED);
    for (ChannelView view : VIEWS) {
      ByteBuffer bytes = ExactBlocks.of(dtype, data, (int) view.elements(), random);
      check(TensorBlock.whole(dtype, bytes, view), "seed " + SEED + ", " + view);
    }
  }

  @ParameterizedTest
  @EnumSource
  void sumsOfAnyBitPatternsAreExact(DType dtype) {
    Random random = new Random(SEED);
    for (ChannelView view : VIEWS) {
      ByteBuffer bytes = ExactBlocks.patterns(dtype, (int) view.elements(), random);
      check(TensorBlock.whole(dtype, bytes, view), "seed " + SEED + ", " + view);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "I16", "U16"})
  void everyPatternOfSixteenBitsIsExact(DType dtype) {
    ByteBuffer bytes = ByteBuffer.allocate(1 << 17);
    IntStream.range(0, 1 << 16).forEach(i -> bytes.putShort((short) i));
    for (ChannelView view : List.of(new ChannelView(1, 1, 1 << 16), new ChannelView(256, 256, 1))) {
      check(TensorBlock.whole(dtype, bytes.flip(), view), "all of " + dtype);
    }
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.MATCH_ANY, names = "[IU].*")
  void integersAtTheirEndsAreExact(DType dtype) {
    int values = 70_000; // squares of 2^63 at their sum's carries, in pieces of 32,768
    for (int pattern : new int[] {0x00, 0x7f, 0x80, 0xff}) {
      ByteBuffer bytes = ByteBuffer.allocate(values * dtype.bytes()); // big-endian
      for (int i = 0; i < values; i++) {
        bytes.put((byte) pattern);
        for (int k = 1; k < dtype.bytes(); k++) {
          bytes.put((byte) (pattern == 0x7f || pattern == 0xff ? 0xff : 0));
        }
      }
      check(
          TensorBlock.whole(dtype, bytes.flip(), new ChannelView(values / 2, 2, 1)),
          dtype + " from 0x" + Integer.toHexString(pattern));
    }
  }

  /** 2^53 + 1 is no double. */
  @Test
  void largeIntegersDoNotGoThroughDoubles() {
    ByteBuffer bytes = ByteBuffer.allocate(24);
    bytes.putLong((1L << 53) + 1).putLong(-(1L << 62) - 1).putLong(Long.MAX_VALUE);
    check(TensorBlock.whole(DType.I64, bytes.flip(), new ChannelView(1, 1, 3)), "I64");
  }

  @ParameterizedTest
  @EnumSource
  void blocksCutAnywhereGiveTheSameSums(DType dtype) {
    Random random = new Random(SEED);
    for (ChannelView view :
        List.of(new ChannelView(4, 3, 10), new ChannelView(40, 3, 1), new ChannelView(2, 60, 1))) {
      int n = (int) view.elements();
      TensorBlock whole = TensorBlock.whole(dtype, ExactBlocks.patterns(dtype, n, random), view);
      IntegerOracle oracle = new IntegerOracle(view.channels()).addAll(whole);
      for (int cut = 0; cut <= n; cut++) {
        int second = cut + random.nextInt(n - cut + 1);
        ExactSums blocks =
            sums(part(whole, second, n), part(whole, 0, cut), part(whole, cut, second));
        oracle.assertSame(blocks, "seed " + SEED + ", " + view + " cut at " + cut + ", " + second);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void layoutAndByteOrderDoNotMatter(DType dtype) {
    Random random = new Random(SEED);
    TensorBlock block =
        TensorBlock.whole(
            dtype, ExactBlocks.patterns(dtype, 3 * 4 * 6, random), new ChannelView(3, 4, 6));
    IntegerOracle oracle = new IntegerOracle(4).addAll(block);
    oracle.assertSame(sums(ExactBlocks.transposed(block)), "channels last, seed " + SEED);
    byte[] reversed = block.bytes().array().clone();
    for (int from = 0; from < reversed.length; from += dtype.bytes()) {
      for (int i = 0; i < dtype.bytes(); i++) {
        reversed[from + i] = block.bytes().array()[from + dtype.bytes() - 1 - i];
      }
    }
    ByteBuffer bigEndian = ByteBuffer.wrap(reversed).order(ByteOrder.BIG_ENDIAN);
    oracle.assertSame(sums(TensorBlock.whole(dtype, bigEndian, block.view())), "seed " + SEED);
  }

  /** A bucket must be emptied at 65,536 values of the largest significand. */
  @ParameterizedTest
  @ValueSource(ints = {65_535, 65_536, 65_537, 131_073})
  void manyCopiesOfTheLargestSignificandDoNotOverflow(int copies) {
    for (float value : new float[] {0x1.fffffep10f, -Float.MAX_VALUE, 0x0.fffffep-126f}) {
      ByteBuffer bytes = ByteBuffer.allocate(copies * Float.BYTES);
      IntStream.range(0, copies).forEach(i -> bytes.putFloat(value));
      check(TensorBlock.whole(DType.F32, bytes.flip(), new ChannelView(copies, 1, 1)), "copies");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {DoubleChunks.SHORT_RUN - 1, DoubleChunks.SHORT_RUN, 32_769})
  void copiesOfExtremeDoublesDoNotOverflow(int copies) {
    for (double value :
        new double[] {Double.MAX_VALUE, -Double.MAX_VALUE, -Double.MIN_VALUE, 0x1.fp-1022, -0.0}) {
      ByteBuffer bytes = ByteBuffer.allocate(copies * Double.BYTES);
      IntStream.range(0, copies).forEach(i -> bytes.putDouble(value));
      check(TensorBlock.whole(DType.F64, bytes.flip(), new ChannelView(1, 1, copies)), "copies");
    }
  }

  @Test
  void channelsBeyondThoseWithBucketsAreExact() {
    Random random = new Random(SEED);
    int channels = ExponentBuckets.MOST_CHANNELS + 1;
    for (int inner : new int[] {3, ExponentBuckets.SHORT_RUN - 1, ExponentBuckets.SHORT_RUN}) {
      ChannelView view = new ChannelView(1, channels, inner);
      ByteBuffer bytes = ExactBlocks.patterns(DType.F32, channels * inner, random);
      check(TensorBlock.whole(DType.F32, bytes, view), "seed " + SEED + ", " + view);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F32", "F64"})
  void valuesThatAreNotFiniteAreCountedApart(DType dtype) {
    Random random = new Random(SEED);
    double[] special = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    for (ChannelView view : VIEWS) {
      int n = (int) view.elements();
      for (int first : new int[] {0, n / 2, n - 1}) {
        ByteBuffer bytes = ExactBlocks.of(dtype, ExactBlocks.Data.GAUSSIAN, n, random);
        long[][] expected = new long[3][view.channels()];
        for (int i = first; i < n; i += 1 + random.nextInt(100)) {
          int kind = random.nextInt(3);
          ByteBuffer at = bytes.duplicate().order(bytes.order()).position(i * dtype.bytes());
          Elements.encode(dtype, new double[] {special[kind]}, 1, at);
          expected[kind][(int) (i / view.inner() % view.channels())]++;
        }
        TensorBlock block = TensorBlock.whole(dtype, bytes, view);
        ExactSums sums = ExactSums.forChannels(view.channels());
        NonFiniteCounts counts = NonFiniteCounts.none(view.channels());
        ExactScalarKernel kernel = new ExactScalarKernel(sums, counts);
        assertThat(kernel.add(block)).as("seed %d, %s", SEED, view).isEqualTo(first);
        kernel.flush();
        new IntegerOracle(view.channels()).addAll(block).assertSame(sums, "seed " + SEED);
        assertThat(counts).isEqualTo(new NonFiniteCounts(expected[0], expected[1], expected[2]));
      }
    }
  }

  @Test
  void thePositionOfTheFirstIsInTheWholeArray() {
    ChannelView view = new ChannelView(50_000, 2, 1);
    ByteBuffer bytes = ByteBuffer.allocate(40_000 * Float.BYTES);
    bytes.putFloat(33_001 * Float.BYTES, Float.NaN).putFloat(39_000 * Float.BYTES, Float.NaN);
    ExactScalarKernel kernel =
        new ExactScalarKernel(ExactSums.forChannels(2), NonFiniteCounts.none(2));
    assertThat(kernel.add(new TensorBlock(DType.F32, bytes, view, 7))).isEqualTo(33_008);
    bytes.putFloat(33_001 * Float.BYTES, 0).putFloat(39_000 * Float.BYTES, 0);
    assertThat(kernel.add(new TensorBlock(DType.F32, bytes, view, 7))).isEqualTo(-1);
  }

  @Test
  void theKernelGoesOnAfterAFlush() {
    TensorBlock block =
        TensorBlock.whole(
            DType.F32,
            ExactBlocks.of(DType.F32, ExactBlocks.Data.GAUSSIAN, 60, new Random(SEED)),
            new ChannelView(2, 3, 10));
    ExactSums sums = ExactSums.forChannels(3);
    ExactScalarKernel kernel = new ExactScalarKernel(sums, NonFiniteCounts.none(3));
    for (int i = 1; i <= 3; i++) {
      kernel.add(block);
      kernel.flush();
      kernel.flush();
    }
    TensorBlock[] blocks = new TensorBlock[3];
    Arrays.fill(blocks, block);
    IntegerOracle oracle = new IntegerOracle(3);
    Stream.of(blocks).forEach(oracle::addAll);
    oracle.assertSame(sums, "three times");
  }

  @ParameterizedTest
  @EnumSource
  void nothingIsNothing(DType dtype) {
    for (ChannelView view :
        List.of(new ChannelView(0, 3, 5), new ChannelView(5, 3, 0), new ChannelView(5, 0, 5))) {
      TensorBlock block = TensorBlock.whole(dtype, ByteBuffer.allocate(0), view);
      check(block, "" + view);
    }
  }

  @Test
  void anotherNumberOfChannelsIsRefused() {
    ExactScalarKernel kernel =
        new ExactScalarKernel(ExactSums.forChannels(2), NonFiniteCounts.none(2));
    TensorBlock block =
        TensorBlock.whole(DType.F32, ByteBuffer.allocate(12), new ChannelView(1, 3, 1));
    assertThatThrownBy(() -> kernel.add(block))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected 2 channels, not 3");
  }
}
