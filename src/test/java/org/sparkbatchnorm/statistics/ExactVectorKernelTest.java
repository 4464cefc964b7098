package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.TensorBlock;

/** The vector kernel's sums are those of integer arithmetic, and of the scalar kernel. */
class ExactVectorKernelTest {
  private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16, DType.F64);

  /** One kernel, and what it adds to. */
  private record Run(ExactSums sums, NonFiniteCounts nonFinite, ExactKernel kernel) {
    static Run vector(int channels, CertifiedLoops loops) {
      ExactSums sums = ExactSums.forChannels(channels);
      NonFiniteCounts nonFinite = NonFiniteCounts.none(channels);
      return new Run(sums, nonFinite, new ExactVectorKernel(loops, sums, nonFinite));
    }

    static Run scalar(int channels) {
      ExactSums sums = ExactSums.forChannels(channels);
      NonFiniteCounts nonFinite = NonFiniteCounts.none(channels);
      return new Run(sums, nonFinite, ExactKernels.scalarKernel(sums, nonFinite));
    }
  }

  private static void assertSame(Run vector, Run scalar, String what) {
    vector.kernel().flush();
    scalar.kernel().flush();
    assertThat(vector.nonFinite()).as(what).isEqualTo(scalar.nonFinite());
    ExactSums a = vector.sums();
    ExactSums b = scalar.sums();
    assertThat(a.unitExponent()).as(what).isEqualTo(b.unitExponent());
    for (int c = 0; c < a.channels(); c++) {
      if (a.count(c) != b.count(c)
          || !a.sum(c).equals(b.sum(c))
          || !a.squares(c).equals(b.squares(c))) {
        assertThat(List.of(a.count(c), a.sum(c), a.squares(c)))
            .as("%s, channel %d", what, c)
            .isEqualTo(List.of(b.count(c), b.sum(c), b.squares(c)));
      }
    }
  }

  /** Adds an array to both, cut anywhere, and compares where the first non-finite value is. */
  private static void addInParts(TensorBlock whole, Run vector, Run scalar, Random random) {
    for (int from = 0; from < whole.elements(); ) {
      int most = random.nextInt(4) == 0 ? 30 : whole.elements();
      int to = Math.min(whole.elements(), from + 1 + random.nextInt(most));
      TensorBlock part = ExactBlocks.part(whole, from, to);
      assertThat(vector.kernel().add(part)).isEqualTo(scalar.kernel().add(part));
      from = to;
    }
  }

  private static TensorBlock block(DType dtype, KernelData data, ChannelView view, Random random) {
    ByteOrder order = random.nextBoolean() ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN;
    return TensorBlock.whole(dtype, data.of(dtype, (int) view.elements(), order, random), view);
  }

  @ParameterizedTest
  @EnumSource(KernelData.class)
  void sumsAreThoseOfIntegerArithmetic(KernelData data) {
    Random random = new Random(data.name().hashCode());
    for (DType dtype : TYPES) {
      for (ChannelView view :
          List.of(
              new ChannelView(600, 3, 1),
              new ChannelView(11, 3, 49),
              new ChannelView(1, 2, 1500))) {
        TensorBlock block = block(dtype, data, view, random);
        Run vector = Run.vector(view.channels(), CountingLoops.vectorLoops());
        vector.kernel().add(block);
        vector.kernel().flush();
        new IntegerOracle(view.channels())
            .addAll(block)
            .assertSame(vector.sums(), dtype + " " + view);
      }
    }
  }

  static List<ChannelView> shapes() {
    List<ChannelView> shapes = new ArrayList<>();
    for (int inner : new int[] {1, 2, 3, 7, 8, 9, 49, 196, 784}) {
      for (int channels : new int[] {1, 2, 3, 64, 300, 2048}) {
        int outer = Math.max(1, Math.min(3000, 20_000 / (inner * channels)));
        shapes.add(new ChannelView(outer, channels, inner));
      }
    }
    shapes.add(new ChannelView(2, 3, 20_000));
    shapes.add(new ChannelView(2, 33_000, 2));
    shapes.add(new ChannelView(1, 100_003, 1));
    shapes.add(new ChannelView(2, 70_001, 1));
    shapes.add(new ChannelView(1, 300_000, 3)); // more lanes than the kernel takes
    return shapes;
  }

  @ParameterizedTest
  @MethodSource("shapes")
  void everyShapeCutAnywhereGivesTheScalarKernelsSums(ChannelView view) {
    Random random = new Random(view.toString().hashCode());
    KernelData[] kinds = KernelData.values();
    boolean small = view.elements() < 100_000;
    for (DType dtype : small ? TYPES : List.of(DType.F32)) {
      for (int i = 0; i < (small ? 3 : 1); i++) {
        KernelData data = kinds[random.nextInt(kinds.length)];
        Run vector = Run.vector(view.channels(), CountingLoops.vectorLoops());
        Run scalar = Run.scalar(view.channels());
        addInParts(block(dtype, data, view, random), vector, scalar, random);
        addInParts(block(dtype, data, view, random), vector, scalar, random);
        assertSame(vector, scalar, dtype + " " + data + " " + view);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void typesAndShapesMayFollowEachOther(int seed) {
    Random random = new Random(seed);
    int channels = 1 + random.nextInt(40);
    Run vector = Run.vector(channels, CountingLoops.vectorLoops());
    Run scalar = Run.scalar(channels);
    KernelData[] kinds = KernelData.values();
    for (int i = 0; i < 25; i++) {
      int inner = random.nextBoolean() ? 1 + random.nextInt(12) : 1 + random.nextInt(300);
      ChannelView view = new ChannelView(1 + random.nextInt(8), channels, inner);
      DType dtype = TYPES.get(random.nextInt(TYPES.size()));
      TensorBlock whole = block(dtype, kinds[random.nextInt(kinds.length)], view, random);
      if (random.nextInt(8) == 0) {
        whole =
            TensorBlock.whole(
                DType.I64, ExactBlocks.patterns(DType.I64, whole.elements(), random), view);
      }
      addInParts(whole, vector, scalar, random);
      if (random.nextInt(4) == 0) {
        vector.kernel().flush();
        scalar.kernel().flush();
      }
    }
    assertSame(vector, scalar, "seed " + seed);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16"})
  void all65536PatternsCount(DType dtype) {
    ByteBuffer all = ByteBuffer.allocate(2 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 1 << 16; i++) {
      all.putShort((short) i);
    }
    all.flip();
    Random random = new Random(1);
    for (ChannelView view :
        List.of(
            new ChannelView(1 << 14, 4, 1),
            new ChannelView(1, 64, 1 << 10),
            new ChannelView(1, 1 << 16, 1))) {
      Run vector = Run.vector(view.channels(), CountingLoops.vectorLoops());
      Run scalar = Run.scalar(view.channels());
      addInParts(TensorBlock.whole(dtype, all, view), vector, scalar, random);
      assertSame(vector, scalar, dtype + " " + view);
    }
  }

  /** The largest values of the highest windows: as many units a step as there can be. */
  @Test
  void slotsAreFlushedBeforeTheyOverflow() {
    Random random = new Random(1);
    double[] largest = {Float.MAX_VALUE, 65_504, 0x1.fep127, Math.nextDown(0x1p507)};
    for (int sign = -1; sign <= 1; sign += 2) {
      for (int t = 0; t < TYPES.size(); t++) {
        DType dtype = TYPES.get(t);
        double[] values = new double[100_000];
        Arrays.fill(values, sign * largest[t]);
        ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes());
        Elements.encode(dtype, values, values.length, bytes);
        bytes.flip();
        for (int inner : new int[] {1, 50_000}) {
          ChannelView view = new ChannelView(50_000 / inner, 2, inner);
          CountingLoops loops = new CountingLoops();
          Run vector = Run.vector(2, loops);
          Run scalar = Run.scalar(2);
          addInParts(TensorBlock.whole(dtype, bytes, view), vector, scalar, random);
          assertSame(vector, scalar, dtype + " " + view);
          assertThat(loops.slotsTaken).isGreaterThan(20);
        }
      }
    }
  }

  /** Otherwise the tests above might only compare the scalar kernel with itself. */
  @ParameterizedTest
  @EnumSource(
      value = KernelData.class,
      names = {"GAUSSIAN", "RELU", "MEAN_1E7", "CONSTANT", "SUBNORMAL_FLOATS", "SCALE_1E30"})
  void ordinaryDataStayInTheLanes(KernelData data) {
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      for (ChannelView view : List.of(new ChannelView(40, 8, 196), new ChannelView(9_000, 8, 1))) {
        CountingLoops loops = new CountingLoops();
        Run vector = Run.vector(8, loops);
        TensorBlock block = block(dtype, data, view, new Random(2));
        for (int i = 0; i < 10; i++) {
          vector.kernel().add(block);
        }
        assertThat(loops.slotsRefused).as(dtype + " " + view).isLessThan(loops.slotsTaken / 5);
        assertThat(loops.slotsTakenWide).isLessThan(loops.slotsTaken / 50);
      }
    }
  }

  @Test
  void binary16NeedsOneWindowOnly() {
    CountingLoops loops = new CountingLoops();
    Run vector = Run.vector(8, loops);
    ChannelView view = new ChannelView(4, 8, 784);
    TensorBlock block = block(DType.F16, KernelData.SUBNORMAL_FLOATS, view, new Random(3));
    vector.kernel().add(block);
    assertThat(loops.slotsRefused).isZero();
  }

  @Test
  void widerDataGoThroughTheSecondLoop() {
    CountingLoops loops = new CountingLoops();
    Run vector = Run.vector(4, loops);
    ChannelView view = new ChannelView(20, 4, 784);
    TensorBlock block = block(DType.F32, KernelData.LOG_NORMAL_3, view, new Random(4));
    for (int i = 0; i < 20; i++) {
      vector.kernel().add(block);
    }
    assertThat(loops.slotsTaken).isGreaterThanOrEqualTo(20 * 80);
    assertThat(loops.slotsTakenWide).isGreaterThan(100);
  }

  /** A slot that is always refused is tried for every 64th piece only. */
  @Test
  void hopelessDataLeaveTheLanesAlone() {
    CountingLoops loops = new CountingLoops();
    Run vector = Run.vector(1, loops);
    ChannelView view = new ChannelView(1, 1, 60_000);
    TensorBlock block = block(DType.F32, KernelData.HUGE_AND_TINY, view, new Random(5));
    for (int i = 0; i < 20; i++) {
      vector.kernel().add(block);
    }
    assertThat(loops.slotsTaken).isZero();
    int pieces = 20 * 60_000 / (128 * loops.lanes());
    assertThat(loops.slotsRefused).isBetween(pieces / 64L, 2 * (10L + pieces / 64));
  }

  @Test
  void anotherNumberOfChannelsIsRefused() {
    Run vector = Run.vector(3, CountingLoops.vectorLoops());
    TensorBlock block = block(DType.F32, KernelData.ZERO, new ChannelView(1, 2, 4), new Random(1));
    assertThatThrownBy(() -> vector.kernel().add(block))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected 3 channels, not 2");
  }

  @Test
  void noElementsAddNothing() {
    Run vector = Run.vector(3, CountingLoops.vectorLoops());
    TensorBlock none =
        TensorBlock.whole(DType.F32, ByteBuffer.allocate(0), new ChannelView(0, 3, 0));
    assertThat(vector.kernel().add(none)).isEqualTo(ExactKernel.ALL_FINITE);
    assertSame(vector, Run.scalar(3), "nothing");
  }
}
