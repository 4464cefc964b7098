package org.sparkbatchnorm.job;

import java.util.Iterator;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.paths.SparkPath;
import org.apache.spark.sql.catalyst.InternalRow;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Counts one partition of an {@link ActivationTable}, on an executor. Bad rows come back as a
 * value; what Spark's reader throws is thrown on, so that the task is tried again, until its last
 * attempt. Gives {@link JavaBytes}.
 *
 * @param name of the table
 * @param values how rows hold their values
 * @param selection which layers are wanted; serializable
 * @param counting what is counted, and how
 * @param attempts how often Spark tries a task
 */
record TablePartitionScan(
    String name,
    ActivationTable.Values values,
    LayerSelection selection,
    Counting counting,
    int attempts)
    implements FlatMapFunction<Iterator<InternalRow>, byte[]> {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(TablePartitionScan.class);

  /** Rows of one partition get numbers of this range of their own. */
  private static final int PARTITION_SHIFT = 40;

  @Override
  public Iterator<byte[]> call(Iterator<InternalRow> rows) throws Exception {
    return List.of(JavaBytes.of(outcome(rows, TaskContext.getPartitionId()))).iterator();
  }

  private ScanState outcome(Iterator<InternalRow> rows, int partition) throws Exception {
    try {
      return scan(rows, partition).completing(partition);
    } catch (MalformedFileException e) {
      return ScanState.failed(partition, e);
    } catch (Exception e) {
      if (!TaskAttempts.isLast(attempts)) {
        throw e;
      }
      LOG.warn("the last attempt at partition {} of {} failed", partition, name, e);
      return ScanState.failed(partition, TableFailure.describe(name, e));
    }
  }

  private ScanState scan(Iterator<InternalRow> rows, int partition) throws MalformedFileException {
    TaskScan scan = new TaskScan(counting);
    for (long index = 0; rows.hasNext(); index++) {
      InternalRow row = rows.next();
      scan.countRow();
      long tensor = ((long) partition << PARTITION_SHIFT) + index;
      count(new TableRow(row, place(row, partition, index)), tensor, scan);
    }
    return scan.finish();
  }

  private RowPlace place(InternalRow row, int partition, long index) {
    if (row.isNullAt(ActivationTable.FILE)) {
      return new RowPlace(name + ", partition " + partition, index);
    }
    return new RowPlace(
        StoredFile.display(
            SparkPath.fromUrlString(row.getUTF8String(ActivationTable.FILE).toString())
                .toPath()
                .toString()),
        row.getLong(ActivationTable.ROW));
  }

  private void count(TableRow row, long tensor, TaskScan scan) throws MalformedFileException {
    String layer = row.layer(selection);
    if (!selection.isWanted(layer)) {
      return;
    }
    ChannelView view = row.view(selection, layer);
    TensorBlock block = row.block(values, view);
    scan.begin(
        new TensorPart(
            layer, tensor, row.place().display(), view, 0, view.elements(), row.place()::element));
    scan.add(block);
  }
}
