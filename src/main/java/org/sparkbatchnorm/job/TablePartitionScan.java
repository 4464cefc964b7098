package org.sparkbatchnorm.job;

import java.io.IOException;
import java.io.Serializable;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.TaskContext;
import org.apache.spark.paths.SparkPath;
import org.apache.spark.sql.catalyst.InternalRow;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.source.MiniBatchPlan;
import org.sparkbatchnorm.source.ReadFailure;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * Counts one partition of an {@link ActivationTable}, on an executor. Bad rows come back as a
 * value; a failure to read that may pass, and what Spark's reader throws, is thrown on, so that the
 * task is tried again, until its last attempt.
 *
 * @param name of the table
 * @param selection which layers are wanted; serializable
 * @param miniBatches what the rows are to the mini-batches
 * @param counting what is counted, and how
 * @param attempts how often Spark tries a task
 */
record TablePartitionScan(
    String name, LayerSelection selection, SharedPlan miniBatches, Counting counting, int attempts)
    implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(TablePartitionScan.class);

  /** Rows of one partition get numbers of this range of their own. */
  private static final int PARTITION_SHIFT = 40;

  /** What the running task's partition holds: one {@link ScanState} as {@link JavaBytes}. */
  Iterator<byte[]> state(TableCursor rows) throws Exception {
    return List.of(JavaBytes.of(outcome(rows, TaskContext.getPartitionId()))).iterator();
  }

  private ScanState outcome(TableCursor rows, int partition) throws Exception {
    try (rows) {
      return scan(rows, partition).completing(partition);
    } catch (MalformedFileException e) {
      return ScanState.failed(partition, e);
    } catch (Exception e) {
      if (!TaskAttempts.isLast(attempts)) {
        throw e;
      }
      LOG.warn("the last attempt at partition {} of {} failed", partition, name, e);
      return ScanState.failed(
          partition,
          e instanceof ReadFailure failure ? failure.asFinal() : TableFailure.describe(name, e));
    }
  }

  private ScanState scan(TableCursor rows, int partition) throws IOException {
    TaskScan scan = new TaskScan(counting);
    RowTensor tensor = new RowTensor(scan);
    MiniBatchPlan plan = miniBatches.plan();
    for (long index = 0; rows.next(); index++) {
      scan.countRow();
      InternalRow columns = rows.columns();
      TableRow row = new TableRow(columns, place(columns, partition, index));
      String layer = row.layer(selection);
      if (selection.isWanted(layer)) {
        long number = ((long) partition << PARTITION_SHIFT) + index;
        count(rows, row, part(row, layer, number, plan), tensor);
      }
    }
    return scan.finish();
  }

  private RowPlace place(InternalRow columns, int partition, long index) {
    if (columns.isNullAt(ActivationTable.FILE)) {
      return new RowPlace(name + ", partition " + partition, index);
    }
    return new RowPlace(
        StoredFile.display(
            SparkPath.fromUrlString(columns.getUTF8String(ActivationTable.FILE).toString())
                .toPath()
                .toString()),
        columns.getLong(ActivationTable.ROW));
  }

  private TensorPart part(TableRow row, String layer, long number, MiniBatchPlan plan)
      throws MalformedFileException {
    long[] shape = row.shape();
    RowPlace place = row.place();
    ChannelView view = place.view(selection, layer, shape);
    Optional<String> key = plan.rule().needsKeys() ? row.key(selection) : Optional.empty();
    return new TensorPart(
        layer,
        place.display(),
        plan.of(layer, key, number, view, shape[0]),
        view,
        0,
        view.elements(),
        place::element);
  }

  private static void count(TableCursor rows, TableRow row, TensorPart part, RowTensor tensor)
      throws IOException {
    ValueType type = rows.open();
    tensor.begin(row, part, row.shape(), type);
    rows.read(tensor);
    tensor.end();
  }
}
