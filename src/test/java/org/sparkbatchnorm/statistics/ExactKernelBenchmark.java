package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.regex.Pattern;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * How fast exact sums are, against sums in doubles: GB/s of input from a direct buffer of 256 KiB,
 * one thread. All contestants copy it to an array first, as reading a file does, and halves are
 * widened by the same loop.
 *
 * <p>The contestants take turns in one JVM and each one's best turn counts: on a shared machine the
 * ratios of a line mean more than its numbers. Run with the test class path and {@code
 * --add-modules jdk.incubator.vector}; the arguments are a regular expression of lines to run
 * ({@code "F32 C=64 .*"}) and the number of turns.
 */
final class ExactKernelBenchmark {
  private static final int BLOCK_BYTES = 1 << 18;
  private static final long TURN_NANOS = 2_000_000;
  private static final int[] INNER = {1, 49, 196, 784, 3136, 12_544};
  private static final int[] CHANNELS = {64, 2048};
  private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.BF16, DType.F64);
  private static final List<KernelData> DATA =
      List.of(
          KernelData.GAUSSIAN, KernelData.RELU, KernelData.LOG_NORMAL_3, KernelData.LOG_NORMAL_20);

  private ExactKernelBenchmark() {}

  private interface Contestant {
    void add(TensorBlock block);
  }

  /** Copies blocks and hands them, row by row, to sums in doubles. */
  private static final class Naive implements Contestant {
    private final NaiveSums loops;
    private final CertifiedLoops widening = CountingLoops.vectorLoops();
    private final float[] floats = new float[BLOCK_BYTES / 2];
    private final double[] doubles = new double[BLOCK_BYTES / 8];
    private final short[] halves = new short[BLOCK_BYTES / 2];
    private final byte[] widened = new byte[2 * BLOCK_BYTES];
    private final FloatBuffer widenedFloats =
        ByteBuffer.wrap(widened).order(ByteOrder.nativeOrder()).asFloatBuffer();
    private final double[] sums;

    Naive(NaiveSums loops, int channels) {
      this.loops = loops;
      sums = new double[2 * channels];
    }

    @Override
    public void add(TensorBlock block) {
      int n = block.elements();
      ByteBuffer bytes = block.bytes();
      switch (block.dtype()) {
        case F32 -> bytes.asFloatBuffer().get(floats, 0, n);
        case F64 -> bytes.asDoubleBuffer().get(doubles, 0, n);
        case F16 -> {
          bytes.asShortBuffer().get(halves, 0, n);
          widening.ofBinary16(halves, widened, 0, n);
          widenedFloats.get(0, floats, 0, n);
        }
        default -> {
          bytes.asShortBuffer().get(halves, 0, n);
          widening.ofBfloat16(halves, widened, 0, n);
          widenedFloats.get(0, floats, 0, n);
        }
      }
      boolean wide = block.dtype() == DType.F64;
      int channels = block.view().channels();
      int inner = (int) block.view().inner();
      if (inner == 1) {
        for (int from = 0; from <= n - channels; from += channels) {
          if (wide) {
            loops.places(doubles, from, channels, sums);
          } else {
            loops.places(floats, from, channels, sums);
          }
        }
        return;
      }
      for (int from = 0, c = 0; from < n; from += inner, c = c + 1 == channels ? 0 : c + 1) {
        if (wide) {
          loops.row(doubles, from, Math.min(n, from + inner), sums, c);
        } else {
          loops.row(floats, from, Math.min(n, from + inner), sums, c);
        }
      }
    }
  }

  private static List<Contestant> contestants(int channels) throws ReflectiveOperationException {
    ExactSums sums = ExactSums.forChannels(channels);
    NonFiniteCounts nonFinite = NonFiniteCounts.none(channels);
    NaiveSums naiveVector =
        Class.forName("org.sparkbatchnorm.statistics.VectorNaiveSums")
            .asSubclass(NaiveSums.class)
            .getDeclaredConstructor()
            .newInstance();
    return List.of(
        new ExactVectorKernel(CountingLoops.vectorLoops(), sums, nonFinite)::add,
        ExactKernels.scalarKernel(sums, nonFinite)::add,
        new Naive(naiveVector, channels),
        new Naive(new NaiveSums.Scalar(), channels));
  }

  /** GB/s of each contestant. */
  private static double[] race(List<Contestant> contestants, TensorBlock block, int turns) {
    double[] best = new double[contestants.size()];
    int bytes = block.bytes().remaining();
    for (int turn = 0; turn < turns; turn++) {
      for (int i = 0; i < best.length; i++) {
        Contestant contestant = contestants.get(i);
        long start = System.nanoTime();
        long end;
        int blocks = 0;
        do {
          contestant.add(block);
          blocks++;
          end = System.nanoTime();
        } while (end - start < TURN_NANOS);
        best[i] = Math.max(best[i], (double) bytes * blocks / (end - start));
      }
    }
    return best;
  }

  /** HotSpot needs a second or so before the loops of a type are fast. */
  private static void warmUp(DType dtype) throws ReflectiveOperationException {
    for (int inner : new int[] {49, 1, 784}) {
      TensorBlock block = block(dtype, 64, KernelData.LOG_NORMAL_3, inner);
      race(contestants(64), block, 150);
    }
  }

  private static TensorBlock block(DType dtype, int channels, KernelData data, int inner) {
    int n = BLOCK_BYTES / dtype.bytes();
    ByteBuffer bytes = ByteBuffer.allocateDirect(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(data.of(dtype, n, ByteOrder.LITTLE_ENDIAN, new Random(1))).flip();
    return new TensorBlock(
        dtype, bytes, new ChannelView(n / (inner * channels) + 1, channels, inner), 0);
  }

  private static void run(DType dtype, int channels, KernelData data, int turns)
      throws ReflectiveOperationException {
    List<String> lines = new ArrayList<>();
    for (int inner : INNER) {
      TensorBlock block = block(dtype, channels, data, inner);
      double[] speed = race(contestants(channels), block, turns);
      lines.add(
          String.format(
              Locale.ROOT,
              "  inner %5d: exact vector %5.1f, exact scalar %5.1f, naive vector %5.1f, naive"
                  + " scalar %5.1f GB/s; time %.2f of naive vector, %.2f of naive scalar",
              inner,
              speed[0],
              speed[1],
              speed[2],
              speed[3],
              speed[2] / speed[0],
              speed[3] / speed[0]));
    }
    System.out.println(dtype + " C=" + channels + " " + data);
    lines.forEach(System.out::println);
  }

  /** Runs the lines asked for. */
  public static void main(String[] args) throws ReflectiveOperationException {
    Pattern wanted = Pattern.compile(args.length > 0 ? args[0] : ".*");
    int turns = args.length > 1 ? Integer.parseInt(args[1]) : 60;
    System.out.println(ExactKernels.ofThisJvm().reason());
    for (DType dtype : TYPES) {
      boolean warm = false;
      for (int channels : CHANNELS) {
        for (KernelData data : DATA) {
          if (wanted.matcher(dtype + " C=" + channels + " " + data).matches()) {
            if (!warm) {
              warmUp(dtype);
              warm = true;
            }
            run(dtype, channels, data, turns);
          }
        }
      }
    }
  }
}
