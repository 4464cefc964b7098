package org.sparkbatchnorm.job;

import java.util.List;
import java.util.function.LongFunction;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.source.PlannedTensor;
import org.sparkbatchnorm.source.ReadFailure;
import org.sparkbatchnorm.source.Split;
import org.sparkbatchnorm.source.Split.Piece;
import org.sparkbatchnorm.source.SplitReader;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Reads one split and counts it, on an executor. Bad input comes back as a value; a failure to read
 * that may pass is thrown, so that Spark tries the task again, until its last attempt. Takes and
 * gives {@link JavaBytes}.
 *
 * @param configuration Hadoop's
 * @param layers names of the plan's layers
 * @param counting what is counted, and how
 * @param attempts how often Spark tries a task
 */
record SplitScan(
    Broadcast<SerializableConfiguration> configuration,
    List<String> layers,
    Counting counting,
    int attempts)
    implements Function<byte[], byte[]> {
  private static final long serialVersionUID = 1L;

  @Override
  public byte[] call(byte[] split) throws ReadFailure {
    return JavaBytes.of(scan(JavaBytes.read(split, Split.class)));
  }

  private ScanState scan(Split split) throws ReadFailure {
    TaskScan scan = new TaskScan(counting);
    try {
      new SplitReader(Storage.of(configuration.value().value())).read(split, sinkInto(scan));
    } catch (MalformedFileException e) {
      return ScanState.failed(split.index(), e);
    } catch (ReadFailure e) {
      if (!TaskAttempts.isLast(attempts)) {
        throw e;
      }
      return ScanState.failed(split.index(), e.asFinal());
    }
    return scan.finish().completing(split.index());
  }

  private SplitReader.Sink sinkInto(TaskScan scan) {
    return new SplitReader.Sink() {
      @Override
      public void begin(Piece piece) throws MalformedFileException {
        PlannedTensor tensor = piece.tensor();
        scan.begin(
            new TensorPart(
                layers.get(tensor.layer()),
                tensor.display(),
                tensor.miniBatches(),
                tensor.view(),
                piece.firstElement(),
                piece.elements(),
                places(tensor)));
      }

      @Override
      public void add(TensorBlock block) {
        scan.add(block);
      }
    };
  }

  private static LongFunction<Place> places(PlannedTensor tensor) {
    return element -> {
      long offset = tensor.offset() + element * tensor.dtype().bytes();
      return new Place(
          tensor.file().display(),
          offset,
          offset,
          "tensor " + Printable.escape(tensor.name()) + ", element " + element);
    };
  }
}
