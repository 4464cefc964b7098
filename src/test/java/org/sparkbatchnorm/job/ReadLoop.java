package org.sparkbatchnorm.job;

import java.util.List;
import java.util.Set;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.ActivationPlan;
import org.sparkbatchnorm.source.ActivationPlanner;
import org.sparkbatchnorm.source.MiniBatchRule;
import org.sparkbatchnorm.source.ReadFailure;
import org.sparkbatchnorm.source.Split;
import org.sparkbatchnorm.source.SplitReader;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * The statistics stage without statistics: the same splits, blocks and tasks as {@link ShardScan},
 * but of a block only a byte of every page is looked at. No stage that reads this way can be
 * faster.
 */
final class ReadLoop {
  private static final int PAGE_BYTES = 4096;

  private final JavaSparkContext spark;
  private final ActivationPlan plan;

  private ReadLoop(JavaSparkContext spark, ActivationPlan plan) {
    this.spark = spark;
    this.plan = plan;
  }

  /** Reads headers and cuts splits as the job does. */
  static ReadLoop plan(JavaSparkContext spark, JobSpec.Input input) throws MalformedFileException {
    InputFiles files = InputFiles.list(Storage.of(spark.hadoopConfiguration()), input, Set.of());
    ActivationPlanner.Selected selected =
        ActivationPlanner.select(
            input.selection(), MiniBatchRule.TENSORS, ShardHeaders.read(spark, files));
    long splitBytes = ShardScan.splitBytes(selected.bytes(), spark.defaultParallelism());
    return new ReadLoop(spark, selected.cut(splitBytes));
  }

  /** Counts bytes, so that nothing can be left out unseen. */
  private record ReadSplit(Broadcast<SerializableConfiguration> configuration)
      implements Function<byte[], byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public byte[] call(byte[] split) throws MalformedFileException, ReadFailure {
      Touch touch = new Touch();
      new SplitReader(Storage.of(configuration.value().value()))
          .read(JavaBytes.read(split, Split.class), touch);
      return JavaBytes.of(new long[] {touch.bytes, touch.sum});
    }
  }

  private static final class Touch implements SplitReader.Sink {
    private long bytes;
    private long sum;

    @Override
    public void begin(Split.Piece piece) {}

    @Override
    public void add(TensorBlock block) {
      int end = block.bytes().limit();
      for (int i = block.bytes().position(); i < end; i += PAGE_BYTES) {
        sum += block.bytes().get(i);
      }
      bytes += block.bytes().remaining();
    }
  }

  /** Seconds that the stage takes. */
  double run() {
    long start = System.nanoTime();
    Broadcast<SerializableConfiguration> configuration =
        spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration()));
    List<byte[]> splits = plan.splits().stream().map(JavaBytes::of).toList();
    long bytes = 0;
    for (byte[] result :
        spark.parallelize(splits, splits.size()).map(new ReadSplit(configuration)).collect()) {
      bytes += JavaBytes.read(result, long[].class)[0];
    }
    configuration.destroy();
    double seconds = (System.nanoTime() - start) / 1e9;
    if (bytes != plan.bytes()) {
      throw new IllegalStateException(bytes + " bytes read, but " + plan.bytes() + " planned");
    }
    return seconds;
  }
}
