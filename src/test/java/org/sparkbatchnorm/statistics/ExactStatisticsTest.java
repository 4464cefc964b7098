package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/** From blocks to statistics: the nearest numbers there are to those of integer arithmetic. */
class ExactStatisticsTest {
  private static final long SEED = 13_14_15;
  private static final List<ExactKernels> KERNELS =
      List.of(
          ExactKernels.choose(Optional.of("scalar")), ExactKernels.choose(Optional.of("vector")));

  /** Digits of the exact quotients, which no midpoint of neighbours is as near to. */
  private static final MathContext DIGITS = new MathContext(400);

  private static final BigDecimal UNIT = BigDecimal.valueOf(2).pow(1_074);

  private static ChannelMoments moments(ExactKernels kernels, TensorBlock... blocks) {
    ChannelMomentsAccumulator accumulator =
        ChannelMomentsAccumulator.forChannels(
            blocks[0].view().channels(), Accumulation.EXACT, kernels);
    for (TensorBlock block : blocks) {
      accumulator.add(block);
    }
    return accumulator.snapshot();
  }

  private static void assertNearest(ChannelMoments moments, TensorBlock block, String what) {
    IntegerOracle oracle = new IntegerOracle(moments.channels()).addAll(block);
    for (int c = 0; c < moments.channels(); c++) {
      String channel = what + ", channel " + c;
      long count = oracle.count(c);
      assertThat(moments.count(c)).as(channel).isEqualTo(count);
      if (count == 0) {
        continue;
      }
      BigDecimal n = BigDecimal.valueOf(count);
      BigDecimal mean = new BigDecimal(oracle.sum(c)).divide(UNIT.multiply(n), DIGITS);
      assertThat(moments.mean(c)).as(channel).isEqualTo(mean.doubleValue());
      assertThat(moments.mean(c, DType.F32)).as(channel).isEqualTo(mean.floatValue());
      // n Q - S^2, in units of 2^-2148
      BigInteger deviations =
          oracle.squares(c).multiply(BigInteger.valueOf(count)).subtract(oracle.sum(c).pow(2));
      assertThat(moments.isConstant(c)).as(channel).isEqualTo(deviations.signum() == 0);
      BigDecimal divisor = UNIT.multiply(UNIT).multiply(n);
      BigDecimal biased = new BigDecimal(deviations).divide(divisor.multiply(n), DIGITS);
      assertThat(moments.biasedVariance(c)).as(channel).isEqualTo(biased.doubleValue());
      assertThat(moments.biasedVariance(c, DType.F32)).as(channel).isEqualTo(biased.floatValue());
      if (count > 1) {
        BigDecimal unbiased =
            new BigDecimal(deviations).divide(divisor.multiply(n.subtract(BigDecimal.ONE)), DIGITS);
        assertThat(moments.unbiasedVariance(c)).as(channel).isEqualTo(unbiased.doubleValue());
        assertThat(moments.unbiasedVariance(c, DType.F32))
            .as(channel)
            .isEqualTo(unbiased.floatValue());
      }
    }
  }

  /**
   * Hostile input 28: a huge mean and a tiny variance, subnormals only, binary16's squares beyond
   * its range, those of doubles beyond theirs at either end; and what is ordinary.
   */
  @ParameterizedTest
  @EnumSource
  void statisticsOfAllKindsOfData(KernelData data) {
    Random random = new Random(SEED);
    for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16, DType.F64)) {
      for (ChannelView view : List.of(new ChannelView(9, 3, 49), new ChannelView(400, 3, 1))) {
        int elements = (int) view.elements();
        ByteBuffer bytes = data.of(dtype, elements, ByteOrder.LITTLE_ENDIAN, random);
        TensorBlock block = TensorBlock.whole(dtype, bytes, view);
        for (ExactKernels kernels : KERNELS) {
          assertNearest(
              moments(kernels, block),
              block,
              "seed " + SEED + ", " + dtype + " " + view + ", " + kernels.name());
        }
      }
    }
  }

  /** Acceptance 15: float32 rows about an offset, where E[x^2] - E[x]^2 gives -2 and 1024. */
  @ParameterizedTest
  @ValueSource(doubles = {4_097, 1e5})
  void anOffsetDoesNotCancel(double offset) {
    Random random = new Random(SEED);
    double[] values = new double[4 * 2_048];
    Arrays.setAll(values, i -> offset + 0.1 * random.nextGaussian());
    for (ChannelView view : List.of(new ChannelView(2_048, 4, 1), new ChannelView(8, 4, 256))) {
      TensorBlock block =
          TensorBlock.whole(
              DType.F32, Blocks.bytes(DType.F32, ByteOrder.LITTLE_ENDIAN, values), view);
      for (ExactKernels kernels : KERNELS) {
        ChannelMoments moments = moments(kernels, block);
        assertNearest(moments, block, "seed " + SEED + ", " + view + ", " + kernels.name());
        // Of 2,048 values: within five of its standard errors.
        assertThat(moments.unbiasedVariance(0)).isBetween(0.01 - 0.0016, 0.01 + 0.0016);
      }
    }
  }

  /** Acceptance 14, exact by hand: deviations -6, -3, 3, 6. */
  @Test
  void smallDeviationsFromABillionAreExact() {
    for (ExactKernels kernels : KERNELS) {
      ChannelMoments moments =
          moments(kernels, Blocks.channel(1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16));
      assertThat(moments.mean(0)).isEqualTo(1e9 + 10);
      assertThat(moments.unbiasedVariance(0)).isEqualTo(30);
      assertThat(moments.biasedVariance(0)).isEqualTo(22.5);
    }
  }

  /** Acceptance 13: 128 rows in parts of 2, 2, 4, ..., 64, merged in any order, by any kernel. */
  @ParameterizedTest
  @EnumSource
  void anySplitOfTheRowsIsTheSameState(Values kind) {
    Random random = new Random(SEED);
    ChannelView view = new ChannelView(128, 5, 3);
    double[] values = kind.draw(random, (int) view.elements());
    TensorBlock whole =
        TensorBlock.whole(
            DType.F32, Blocks.bytes(DType.F32, ByteOrder.LITTLE_ENDIAN, values), view);
    ChannelMoments expected = moments(KERNELS.get(0), whole);
    List<Integer> sizes = new ArrayList<>(List.of(2, 2, 4, 8, 16, 32, 64));
    for (int order = 0; order < 100; order++) {
      Collections.shuffle(sizes, random);
      List<ChannelMoments> parts = new ArrayList<>();
      int row = 0;
      for (int size : sizes) {
        TensorBlock part = ExactBlocks.part(whole, row * 15, (row + size) * 15);
        parts.add(moments(KERNELS.get(random.nextInt(2)), part));
        row += size;
      }
      while (parts.size() > 1) {
        ChannelMoments last = parts.remove(parts.size() - 1);
        parts.add(parts.remove(random.nextInt(parts.size())).merge(last));
      }
      ChannelMoments merged = parts.get(0);
      String what = "seed " + SEED + ", order " + order;
      assertThat(merged.canonicalBytes().orElseThrow())
          .as(what)
          .isEqualTo(expected.canonicalBytes().orElseThrow());
      for (int c = 0; c < 5; c++) {
        assertThat(merged.mean(c)).as(what).isEqualTo(expected.mean(c));
        assertThat(merged.unbiasedVariance(c)).as(what).isEqualTo(expected.unbiasedVariance(c));
      }
    }
    assertNearest(expected, whole, "seed " + SEED);
  }

  /** Mini-batches' doubles, each the nearest there is, are summed as they are. */
  @Test
  void averagesOverMiniBatchesAreTheNearestInAnyOrder() {
    Random random = new Random(SEED);
    List<MiniBatchAccumulator> batches = new ArrayList<>();
    BigDecimal means = BigDecimal.ZERO;
    BigDecimal variances = BigDecimal.ZERO;
    int count = 97;
    for (int b = 0; b < count; b++) {
      double[] values = Values.WIDE_LOG_NORMAL.draw(random, 2 + random.nextInt(30));
      ChannelMoments batch = moments(KERNELS.get(b % 2), Blocks.channel(values));
      means = means.add(new BigDecimal(batch.mean(0)));
      variances = variances.add(new BigDecimal(batch.unbiasedVariance(0)));
      batches.add(MiniBatches.paper("b" + b, batch));
    }
    double mean = means.divide(BigDecimal.valueOf(count), DIGITS).doubleValue();
    double variance = variances.divide(BigDecimal.valueOf(count), DIGITS).doubleValue();
    for (int order = 0; order < 50; order++) {
      Collections.shuffle(batches, random);
      MiniBatchAverages sum = MiniBatches.paper(1, batches);
      assertThat(sum.averageMean(0, DType.F64)).as("seed %d", SEED).isEqualTo(mean);
      assertThat(sum.averageVariance(0, DType.F64)).isEqualTo(variance);
    }
  }
}
