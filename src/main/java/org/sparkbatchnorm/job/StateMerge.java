package org.sparkbatchnorm.job;

import java.util.Iterator;
import java.util.List;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.api.java.function.Function2;
import scala.Tuple2;

/**
 * Merges the states of many tasks into one. Where there are many, executors merge groups of {@value
 * #FAN_IN} until few are left, so that what the driver holds does not grow with their number.
 *
 * <p>Always in the order of partitions, whichever task is done first: a merge of floating-point
 * moments depends on its order, so that the same splits give the same bits in every run.
 */
final class StateMerge {
  /**
   * States that one task, or the driver, merges: some 30 bytes a channel each, 100 where
   * mini-batches are kept, and 160 where such are weighed by their order.
   */
  static final int FAN_IN = 32;

  private StateMerge() {}

  /**
   * All states as one.
   *
   * @param states each {@link JavaBytes} of a {@link ScanState}
   * @throws IllegalStateException if a split is in two of them
   */
  static ScanState of(JavaRDD<byte[]> states) {
    return of(states, FAN_IN);
  }

  static ScanState of(JavaRDD<byte[]> states, int fanIn) {
    JavaRDD<byte[]> left = states;
    while (left.getNumPartitions() > fanIn) {
      left = mergeGroups(left, fanIn);
    }
    return merged(left.collect().iterator());
  }

  private static JavaRDD<byte[]> mergeGroups(JavaRDD<byte[]> states, int fanIn) {
    int groups = groups(states.getNumPartitions(), fanIn);
    JavaRDD<Tuple2<Integer, byte[]>> numbered =
        states.mapPartitionsWithIndex(new Numbering(), true);
    return JavaPairRDD.fromJavaRDD(numbered)
        .repartitionAndSortWithinPartitions(new Neighbours(groups, fanIn))
        .values()
        .mapPartitions(new MergeInOrder());
  }

  /** Number of groups that this many states make; all but the last are full. */
  static int groups(int states, int fanIn) {
    return (states + fanIn - 1) / fanIn;
  }

  /** The states as one. */
  static ScanState merged(Iterator<byte[]> states) {
    ScanState merged = ScanState.empty();
    while (states.hasNext()) {
      merged.merge(JavaBytes.read(states.next(), ScanState.class));
    }
    return merged;
  }

  /** The states as one, in the form they came in; a single one is passed on as it is. */
  static byte[] mergedBytes(Iterator<byte[]> states) {
    if (!states.hasNext()) {
      return JavaBytes.of(ScanState.empty());
    }
    byte[] first = states.next();
    return states.hasNext()
        ? JavaBytes.of(JavaBytes.read(first, ScanState.class).merge(merged(states)))
        : first;
  }

  private record Numbering()
      implements Function2<Integer, Iterator<byte[]>, Iterator<Tuple2<Integer, byte[]>>> {
    private static final long serialVersionUID = 1L;

    @Override
    public Iterator<Tuple2<Integer, byte[]>> call(Integer partition, Iterator<byte[]> states) {
      return List.of(new Tuple2<>(partition, mergedBytes(states))).iterator();
    }
  }

  private record MergeInOrder() implements FlatMapFunction<Iterator<byte[]>, byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public Iterator<byte[]> call(Iterator<byte[]> states) {
      return List.of(mergedBytes(states)).iterator();
    }
  }

  /** Partitions that follow each other go to the same group. */
  private static final class Neighbours extends Partitioner {
    private static final long serialVersionUID = 1L;

    private final int groups;
    private final int fanIn;

    Neighbours(int groups, int fanIn) {
      this.groups = groups;
      this.fanIn = fanIn;
    }

    @Override
    public int numPartitions() {
      return groups;
    }

    @Override
    public int getPartition(Object partition) {
      return (Integer) partition / fanIn;
    }
  }
}
