package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.ChannelMomentsAccumulator;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.TensorBlock;

/** The moments of a masked array are those of the values that count, added one by one. */
class MaskTest {
  private static final long SEED = 39_916_801;

  /** An array, a mask for it, and what is expected of both. */
  private static final class Case {
    private final DType dtype;
    private final ChannelView view;
    private final ByteBuffer bytes;
    private final boolean[] mask;
    private final ChannelMoments expected;

    Case(DType dtype, ChannelView view, double counted) {
      this.dtype = dtype;
      this.view = view;
      SplittableRandom random = new SplittableRandom(SEED);
      int n = (int) view.elements();
      double[] values = random.doubles(n, -5, 3).toArray();
      bytes = ByteBuffer.allocate(n * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
      Elements.encode(dtype, values, n, bytes);
      bytes.flip();
      mask = new boolean[(int) view.elementsPerChannel()];
      for (int i = 0; i < mask.length; i++) {
        mask[i] = random.nextDouble() < counted;
      }
      mask[0] = true;
      ChannelMomentsAccumulator one =
          ChannelMomentsAccumulator.forChannels(view.channels(), Accumulation.EXACT);
      int inner = (int) view.inner();
      for (int i = 0; i < n; i++) {
        if (mask[i / (inner * view.channels()) * inner + i % inner]) {
          one.add(block(i, i + 1));
        }
      }
      expected = one.snapshot();
    }

    TensorBlock block(int from, int to) {
      ByteBuffer part =
          bytes
              .duplicate()
              .order(bytes.order())
              .limit(to * dtype.bytes())
              .position(from * dtype.bytes());
      return new TensorBlock(dtype, part, view, from);
    }

    ChannelMoments inBlocksOf(int elements) {
      MiniBatchAccumulator accumulator =
          MiniBatchAccumulator.forChannels(view.channels(), Mask.of(mask));
      int n = (int) view.elements();
      for (int from = 0; from < n; from += elements) {
        accumulator.add(block(from, Math.min(n, from + elements)));
      }
      return accumulator.snapshot();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "4, 3, 1",
    "17, 8, 1",
    "1, 1, 1",
    "40, 1, 1",
    "3, 3, 5",
    "2, 8, 16",
    "1, 2, 63",
    "5, 1, 9"
  })
  void everyCutAndEveryDensityOfMask(int outer, int channels, int inner) {
    for (double counted : new double[] {0, 0.2, 0.5, 0.9, 1}) {
      Case each = new Case(DType.F32, new ChannelView(outer, channels, inner), counted);
      for (int elements = 1; elements <= each.view.elements(); elements++) {
        assertThat(each.inBlocksOf(elements))
            .as("%s, %s counted, blocks of %d, seed %d", each.view, counted, elements, SEED)
            .isEqualTo(each.expected);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void everyType(DType dtype) {
    Case rows = new Case(dtype, new ChannelView(3, 4, 21), 0.6);
    assertThat(rows.inBlocksOf(50)).isEqualTo(rows.expected);
    Case positions = new Case(dtype, new ChannelView(63, 4, 1), 0.6);
    assertThat(positions.inBlocksOf(50)).isEqualTo(positions.expected);
  }

  /** More positions than are looked at in one go. */
  @ParameterizedTest
  @ValueSource(ints = {1, 20_011})
  void manyPositions(int inner) {
    ChannelView view = new ChannelView(20_011 / inner, 2, inner);
    for (double counted : new double[] {0.01, 0.9999, 1}) {
      Case each = new Case(DType.F32, view, counted);
      assertThat(each.inBlocksOf((int) view.elements()))
          .as("seed " + SEED)
          .isEqualTo(each.expected);
      assertThat(each.inBlocksOf(9973)).as("seed " + SEED).isEqualTo(each.expected);
    }
  }
}
