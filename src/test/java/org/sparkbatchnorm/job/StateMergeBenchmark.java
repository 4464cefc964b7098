package org.sparkbatchnorm.job;

import com.sun.management.GarbageCollectionNotificationInfo;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.lang.management.MemoryUsage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchAverages;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * What it takes to merge the states of many tasks as {@link StateMerge} does it, without Spark: one
 * thread, the tree walked from its first leaf to its last, so that there are never more states than
 * the levels of a tree hold. The states are those of tasks that counted float32 activations; each
 * task has a split of its own, and one of {@value #DISTINCT} sets of values.
 *
 * <p>Run with the test class path, {@code --add-modules jdk.incubator.vector} and a heap of any
 * size, {@code -Xmx64m} say; the arguments are the number of tasks, of layers, of channels of a
 * layer, and what is kept: as an estimator needs it.
 */
final class StateMergeBenchmark {
  private static final int DISTINCT = 16;
  private static final int ROWS = 64;
  private static final int POSITIONS = 4;

  private final int tasks;
  private final String estimator;
  private final List<byte[]> distinct = new ArrayList<>();
  private long leafNanos;
  private long groupNanos;
  private long groups;
  private long bytesSent;
  private long mostLive;

  private StateMergeBenchmark(int tasks, String estimator) {
    this.tasks = tasks;
    this.estimator = estimator;
  }

  /** What a task makes of one mini-batch of each layer. */
  private ScanState counted(int task, int layers, int channels) throws MalformedFileException {
    Random random = new Random(task);
    TaskScan scan = new TaskScan(Countings.of(estimator));
    ChannelView view = new ChannelView(ROWS, channels, POSITIONS);
    for (int layer = 0; layer < layers; layer++) {
      ByteBuffer bytes =
          ByteBuffer.allocate((int) view.elements() * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < view.elements(); i++) {
        bytes.putFloat((float) (random.nextGaussian() + i / POSITIONS % channels / 100.0));
      }
      scan.begin(
          new TensorPart(
              "layer" + layer,
              "batch",
              Countings.tensor(task, view),
              view,
              0,
              view.elements(),
              element -> new Place("activations.safetensors", element, element, "tensor")));
      scan.add(TensorBlock.whole(DType.F32, bytes.flip(), view));
    }
    return scan.finish();
  }

  private byte[] leaf(int task) {
    ScanState state = JavaBytes.read(distinct.get(task % DISTINCT), ScanState.class);
    state.completing(task);
    long start = System.nanoTime();
    byte[] bytes = JavaBytes.of(state);
    leafNanos += System.nanoTime() - start;
    return bytes;
  }

  /** A group's state, of the tree's level above the tasks; level 0 is a task. */
  private byte[] group(int level, int number) {
    byte[] bytes = level == 0 ? leaf(number) : merged(level - 1, number);
    bytesSent += bytes.length;
    return bytes;
  }

  private byte[] merged(int below, int number) {
    int from = number * StateMerge.FAN_IN;
    int to = Math.min(from + StateMerge.FAN_IN, statesAt(below));
    List<byte[]> members = new ArrayList<>();
    for (int member = from; member < to; member++) {
      members.add(group(below, member));
    }
    long start = System.nanoTime();
    byte[] bytes = StateMerge.mergedBytes(members.iterator());
    groupNanos += System.nanoTime() - start;
    if (groups++ % 100 == 0) {
      mostLive = Math.max(mostLive, liveHeap());
    }
    return bytes;
  }

  private int statesAt(int level) {
    int states = tasks;
    for (int i = 0; i < level; i++) {
      states = StateMerge.groups(states, StateMerge.FAN_IN);
    }
    return states;
  }

  private ScanState run() {
    int level = 0;
    while (statesAt(level) > StateMerge.FAN_IN) {
      level++;
    }
    List<byte[]> collected = new ArrayList<>();
    for (int number = 0; number < statesAt(level); number++) {
      collected.add(group(level, number));
    }
    long collectedBytes = collected.stream().mapToLong(bytes -> bytes.length).sum();
    long start = System.nanoTime();
    ScanState merged = StateMerge.merged(collected.iterator());
    System.out.printf(
        Locale.ROOT,
        "driver: %d states of %.1f kB, %.1f MB together, merged in %.2f s%n",
        collected.size(),
        collectedBytes / 1e3 / collected.size(),
        collectedBytes / 1e6,
        seconds(System.nanoTime() - start));
    return merged;
  }

  private static double seconds(long nanos) {
    return nanos / 1e9;
  }

  /** Against each distinct state merged with itself, as often as tasks have it. */
  private void check(ScanState merged) {
    ScanState expected = ScanState.empty();
    for (int i = 0; i < DISTINCT; i++) {
      byte[] doubled = distinct.get(i);
      for (int copies = (tasks - i + DISTINCT - 1) / DISTINCT; copies > 0; copies >>= 1) {
        if ((copies & 1) == 1) {
          expected.merge(JavaBytes.read(doubled, ScanState.class));
        }
        ScanState twice = JavaBytes.read(doubled, ScanState.class);
        doubled = JavaBytes.of(twice.merge(JavaBytes.read(doubled, ScanState.class)));
      }
    }
    if (merged.splits() != tasks || !fingerprints(merged).equals(fingerprints(expected))) {
      throw new AssertionError("the merged state is not that of all tasks");
    }
  }

  private static Map<String, List<Object>> fingerprints(ScanState state) {
    return state.layers().entrySet().stream()
        .collect(Collectors.toMap(Map.Entry::getKey, layer -> fingerprint(layer.getValue())));
  }

  private static List<Object> fingerprint(LayerScan layer) {
    LayerMoments moments = layer.moments("");
    List<Object> numbers = new ArrayList<>(List.of(layer.elements(), moments.pooled()));
    for (MiniBatchAverages averages : moments.averages().values()) {
      for (int c = 0; c < averages.channels(); c++) {
        numbers.add(averages.averageMean(c, DType.F64));
        numbers.add(averages.averageVariance(c, DType.F64));
      }
    }
    return numbers;
  }

  /** How full the heap has been, at most, from now on. */
  private static final class PeakHeap {
    private long most;

    PeakHeap() {
      for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
        ((NotificationEmitter) collector)
            .addNotificationListener(
                (notification, handback) ->
                    see(
                        GarbageCollectionNotificationInfo.from(
                                (CompositeData) notification.getUserData())
                            .getGcInfo()
                            .getMemoryUsageBeforeGc()),
                null,
                null);
      }
    }

    private synchronized void see(Map<String, MemoryUsage> before) {
      long used = 0;
      for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
        used += pool.getType() == MemoryType.HEAP ? before.get(pool.getName()).getUsed() : 0;
      }
      most = Math.max(most, used);
    }

    synchronized long most() {
      return most;
    }
  }

  private static long liveHeap() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Milliseconds to write, read and merge one state, the best of many. */
  private void one() {
    double[] best = {Double.MAX_VALUE, Double.MAX_VALUE, Double.MAX_VALUE};
    ScanState state = JavaBytes.read(distinct.get(0), ScanState.class);
    for (int i = 0; i < 100; i++) {
      ScanState other = JavaBytes.read(distinct.get(1), ScanState.class);
      long start = System.nanoTime();
      byte[] bytes = JavaBytes.of(state);
      long written = System.nanoTime();
      ScanState read = JavaBytes.read(bytes, ScanState.class);
      long again = System.nanoTime();
      other.merge(read);
      long merged = System.nanoTime();
      best[0] = Math.min(best[0], (written - start) / 1e6);
      best[1] = Math.min(best[1], (again - written) / 1e6);
      best[2] = Math.min(best[2], (merged - again) / 1e6);
    }
    System.out.printf(
        Locale.ROOT,
        "one state: %.1f kB; written in %.2f ms, read in %.2f, merged in %.2f%n",
        distinct.get(0).length / 1e3,
        best[0],
        best[1],
        best[2]);
  }

  /** Merges, compares with the expected state, and prints what it took. */
  public static void main(String[] args) throws MalformedFileException {
    int tasks = args.length > 0 ? Integer.parseInt(args[0]) : 10_000;
    int layers = args.length > 1 ? Integer.parseInt(args[1]) : 20;
    int channels = args.length > 2 ? Integer.parseInt(args[2]) : 300;
    String estimator = args.length > 3 ? args[3] : "pooled-biased";
    StateMergeBenchmark benchmark = new StateMergeBenchmark(tasks, estimator);
    for (int task = 0; task < DISTINCT; task++) {
      benchmark.distinct.add(JavaBytes.of(benchmark.counted(task, layers, channels)));
    }
    System.out.printf(
        Locale.ROOT,
        "%d states of %d channels in %d layers, heap of %d MB at most%n",
        tasks,
        layers * channels,
        layers,
        Runtime.getRuntime().maxMemory() >> 20);
    benchmark.one();
    PeakHeap peak = new PeakHeap();
    final long liveBefore = liveHeap();
    long start = System.nanoTime();
    ScanState merged = benchmark.run();
    long nanos = System.nanoTime() - start;
    System.out.printf(
        Locale.ROOT,
        "tasks: %.1f s to write; executors: %d groups of %d in %.1f s, %.1f ms a state; all: %.1f"
            + " s%n",
        seconds(benchmark.leafNanos),
        benchmark.groups,
        StateMerge.FAN_IN,
        seconds(benchmark.groupNanos),
        benchmark.groupNanos / 1e6 / (tasks + benchmark.groups),
        seconds(nanos));
    System.out.printf(
        Locale.ROOT,
        "on the wire: %.2f GB; heap: %.1f MB at most; live: %.1f MB, %.1f MB before the first%n",
        benchmark.bytesSent / 1e9,
        peak.most() / 1e6,
        benchmark.mostLive / 1e6,
        liveBefore / 1e6);
    benchmark.check(merged);
  }
}
