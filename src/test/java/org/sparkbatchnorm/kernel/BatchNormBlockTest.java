package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;
import org.sparkbatchnorm.tensor.TensorBlock;

@ParameterizedClass
@EnumSource(Kernel.class)
class BatchNormBlockTest {
  @Parameter private Kernel kernel;

  private static final long SEED = 15_485_863;
  private static final List<ByteOrder> ORDERS =
      List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN);

  private BatchNorm layer(int channels) {
    SplittableRandom random = new SplittableRandom(SEED);
    return BatchNorm.eval(
        BatchNormParameters.of(
                random.doubles(channels, -1, 1).toArray(),
                random.doubles(channels, 0, 2).toArray(),
                1e-5)
            .withGamma(random.doubles(channels, -2, 2).toArray())
            .withBeta(random.doubles(channels, -1, 1).toArray()),
        kernel.kernels());
  }

  private static ByteBuffer random(DType dtype, int elements, ByteOrder order) {
    double[] values = new SplittableRandom(SEED + 1).doubles(elements, -3, 3).toArray();
    ByteBuffer bytes = ByteBuffer.allocate(elements * dtype.bytes()).order(order);
    Elements.encode(dtype, values, elements, bytes);
    return bytes.flip();
  }

  private static double[] decoded(DType dtype, ByteBuffer bytes) {
    double[] values = new double[bytes.remaining() / dtype.bytes()];
    Elements.decode(dtype, bytes, values, values.length);
    return values;
  }

  private static double[] whole(BatchNorm eval, DType dtype, ByteBuffer input, ChannelView view) {
    ByteBuffer output = ByteBuffer.allocate(input.remaining()).order(input.order());
    eval.apply(TensorBlock.whole(dtype, input, view), output);
    assertThat(output.remaining()).isZero();
    return decoded(dtype, output.flip());
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void blocksCutAnywhereGiveTheWholeArrayBitForBit(DType dtype) {
    for (ChannelLayout layout : List.of(ChannelLayout.NCHW, ChannelLayout.NHWC)) {
      for (ElementOrder elementOrder : ElementOrder.values()) {
        Shape shape = Shape.of(2, 3, 2, 4);
        ChannelView view = layout.view(shape, elementOrder);
        ByteBuffer input = random(dtype, 48, ByteOrder.LITTLE_ENDIAN);
        BatchNorm eval = layer(view.channels());
        double[] expected = whole(eval, dtype, input, view);
        for (int from = 0; from <= 48; from++) {
          for (int to = from; to <= 48; to++) {
            ByteBuffer part =
                input
                    .duplicate()
                    .order(input.order())
                    .position(from * dtype.bytes())
                    .limit(to * dtype.bytes());
            ByteBuffer output = ByteBuffer.allocate((to - from) * dtype.bytes());
            eval.apply(new TensorBlock(dtype, part, view, from), output);
            assertThat(decoded(dtype, output.flip()))
                .as("%s %s %s, elements %d to %d, seed %d", dtype, view, layout, from, to, SEED)
                .isEqualTo(Arrays.copyOfRange(expected, from, to));
          }
        }
      }
    }
  }

  @Test
  void aBlockOfFloatsOrDoublesEqualsTheArrayOfThem() {
    Shape shape = Shape.of(2, 3, 1000, 3);
    for (ChannelLayout layout : List.of(ChannelLayout.NCHW, ChannelLayout.NHWC)) {
      ChannelView view = layout.view(shape, ElementOrder.ROW_MAJOR);
      BatchNorm eval = layer(3);
      ByteBuffer doubles = random(DType.F64, 18_000, ByteOrder.BIG_ENDIAN);
      double[] inPlace = decoded(DType.F64, doubles);
      eval.apply(inPlace, inPlace, shape, layout);
      assertThat(whole(eval, DType.F64, doubles, view)).isEqualTo(inPlace);

      float[] floats = new float[18_000];
      ByteBuffer floatBytes = random(DType.F32, 18_000, ByteOrder.LITTLE_ENDIAN);
      floatBytes.asFloatBuffer().get(floats);
      eval.apply(floats, floats, shape, layout);
      double[] block = whole(eval, DType.F32, floatBytes, view);
      for (int i = 0; i < floats.length; i++) {
        assertThat((float) block[i]).isEqualTo(floats[i]);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void eachBufferHasItsOwnByteOrderAndPosition(DType dtype) {
    ChannelView view = new ChannelView(2, 3, 2);
    BatchNorm eval = layer(3);
    double[] expected = whole(eval, dtype, random(dtype, 12, ByteOrder.nativeOrder()), view);
    for (ByteOrder in : ORDERS) {
      for (ByteOrder out : ORDERS) {
        ByteBuffer input = ByteBuffer.allocateDirect(5 + 12 * dtype.bytes()).order(in);
        input.position(5).put(random(dtype, 12, in)).position(5);
        ByteBuffer output = ByteBuffer.allocateDirect(14 + 12 * dtype.bytes()).order(out);
        output.position(7);
        eval.apply(TensorBlock.whole(dtype, input.asReadOnlyBuffer().order(in), view), output);
        assertThat(output.position()).isEqualTo(7 + 12 * dtype.bytes());
        assertThat(decoded(dtype, output.flip().position(7))).isEqualTo(expected);
        assertThat(input.position()).isEqualTo(5);
      }
    }
  }

  @Test
  void aBlockMayBeOverwrittenByItsResult() {
    ChannelView view = new ChannelView(1, 3, 4000);
    ByteBuffer bytes = random(DType.F32, 12_000, ByteOrder.LITTLE_ENDIAN);
    double[] expected = whole(layer(3), DType.F32, bytes, view);
    layer(3).apply(TensorBlock.whole(DType.F32, bytes, view), bytes);
    assertThat(bytes.remaining()).isZero();
    assertThat(decoded(DType.F32, bytes.flip())).isEqualTo(expected);
  }

  @Test
  void aBlockMayLieBeyondTwoToThe31Elements() {
    ChannelView large = new ChannelView(1L << 40, 3, 7);
    ChannelView small = new ChannelView(4, 3, 7);
    ByteBuffer input = random(DType.F64, 63, ByteOrder.BIG_ENDIAN);
    // 21 elements in each round of all channels; both blocks start at element 9 of a round.
    ByteBuffer output = ByteBuffer.allocate(63 * 8);
    layer(3).apply(new TensorBlock(DType.F64, input, large, 21 * (1L << 39) + 9), output);
    ByteBuffer expected = ByteBuffer.allocate(63 * 8);
    layer(3).apply(new TensorBlock(DType.F64, input, small, 9), expected);
    assertThat(output.array()).isEqualTo(expected.array());

    ChannelView oneRun = new ChannelView(1, 1, Long.MAX_VALUE);
    ByteBuffer end = ByteBuffer.allocate(63 * 8);
    layer(1).apply(new TensorBlock(DType.F64, input, oneRun, Long.MAX_VALUE - 63), end);
    assertThat(decoded(DType.F64, end.flip()))
        .isEqualTo(whole(layer(1), DType.F64, input, new ChannelView(63, 1, 1)));
  }

  @Test
  void emptyBlocksAreFine() {
    ByteBuffer none = ByteBuffer.allocate(0);
    layer(0).apply(TensorBlock.whole(DType.F32, none, new ChannelView(4, 0, 0)), none);
    layer(3).apply(new TensorBlock(DType.F32, none, new ChannelView(4, 3, 5), 60), none);
    layer(3).apply(new TensorBlock(DType.F32, none, new ChannelView(4, 3, 1), 12), none);
  }

  @ParameterizedTest
  @EnumSource(
      names = {"F64", "F32", "F16", "BF16"},
      mode = EnumSource.Mode.EXCLUDE)
  void refusesIntegers(DType dtype) {
    TensorBlock block = TensorBlock.whole(dtype, ByteBuffer.allocate(24), new ChannelView(8, 3, 1));
    assertThatThrownBy(() -> layer(3).apply(block, ByteBuffer.allocate(24)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "cannot normalize elements of type %s, which is not a floating-point type", dtype);
  }

  @Test
  void refusesAnotherNumberOfChannelsAndAShortOutput() {
    TensorBlock block =
        TensorBlock.whole(DType.F32, ByteBuffer.allocate(24), new ChannelView(2, 3, 1));
    assertThatThrownBy(() -> layer(4).apply(block, ByteBuffer.allocate(24)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("running_mean should contain 3 elements not 4");
    ByteBuffer tooShort = ByteBuffer.allocate(23);
    assertThatThrownBy(() -> layer(3).apply(block, tooShort))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("output has room for 5 elements, but the block has 6");
    assertThat(tooShort.position()).isZero();
  }
}
