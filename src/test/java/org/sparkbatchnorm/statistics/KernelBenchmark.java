package org.sparkbatchnorm.statistics;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * How long a kernel takes for a block of 256 KiB, as reading a file brings them: one contestant and
 * one {@link KernelLine} to a JVM.
 *
 * <p>Every block is a sample, and the median of the thousands in a fork hardly knows that other
 * processes run. Of six forks of a line, on two cores with a load of 2, the medians were within 3
 * to 7 % of each other where the averages, which JMH's other modes give, differed by up to 18 %.
 * What is left is the compiler's luck, which made one fork in twelve 15 % slower, and naive sums at
 * inner 1 up to 1.8 times, and minutes in which the whole machine is slower. For these {@link
 * KernelComparison} starts the forks of all contestants in turn, in several rounds, and takes each
 * one's best: so the ratios are good to some 5 %. The warm-up is as long as HotSpot needs for the
 * vector loops, 0.8 s and more.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 10, time = 100, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 2, time = 100, timeUnit = TimeUnit.MILLISECONDS)
public class KernelBenchmark {
  static final int BLOCK_BYTES = 1 << 18;

  /** Read by vectors beyond a block's end, as in SplitReader's. */
  static final int SLACK_BYTES = 64;

  private static final long SEED = 1;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();

  /** The name of a {@link KernelContestant}. */
  @Param({"EXACT_VECTOR", "EXACT_SCALAR", "NAIVE_VECTOR", "NAIVE_SCALAR"})
  private String contestant;

  @Param({"F32", "F16", "BF16", "F64"})
  private DType dtype;

  @Param({"64", "2048"})
  private int channels;

  /** The name of a {@link KernelData}. */
  @Param({"GAUSSIAN", "RELU", "LOG_NORMAL_3", "LOG_NORMAL_20"})
  private String data;

  @Param({"1", "49", "196", "784", "3136", "12544"})
  private int inner;

  private KernelContestant.Kernel kernel;
  private TensorBlock block;

  /** The block ends inside a row where its size is no multiple of one. */
  @Setup
  public void makeBlock() {
    int n = BLOCK_BYTES / dtype.bytes();
    ByteBuffer bytes = ByteBuffer.allocate(BLOCK_BYTES + SLACK_BYTES).order(ORDER);
    bytes.put(KernelData.valueOf(data).of(dtype, n, ORDER, new Random(SEED))).flip();
    block =
        new TensorBlock(
            dtype, bytes, new ChannelView(n / (inner * channels) + 1, channels, inner), 0);
    kernel = KernelContestant.valueOf(contestant).forChannels(channels);
  }

  /** The sums are kept, so that nothing can be left out. */
  @Benchmark
  public void add() {
    kernel.add(block);
  }
}
