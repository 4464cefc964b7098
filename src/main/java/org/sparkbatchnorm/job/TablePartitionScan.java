package org.sparkbatchnorm.job;

import java.util.Iterator;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.catalyst.InternalRow;
import org.sparkbatchnorm.estimator.Estimator.Needs;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Counts one partition of an {@link ActivationTable}, on an executor. Bad rows come back as a
 * value; what Spark's reader throws is thrown on, so that the task is tried again, until its last
 * attempt.
 *
 * @param name of the table
 * @param values how rows hold their values
 * @param selection which layers are wanted; serializable
 * @param needs what the estimators need
 * @param attempts how often Spark tries a task
 */
record TablePartitionScan(
    String name, ActivationTable.Values values, LayerSelection selection, Needs needs, int attempts)
    implements FlatMapFunction<Iterator<InternalRow>, ScanState> {
  private static final long serialVersionUID = 1L;

  /** Rows of one partition get numbers of this range of their own. */
  private static final int PARTITION_SHIFT = 40;

  @Override
  public Iterator<ScanState> call(Iterator<InternalRow> rows) throws Exception {
    int partition = TaskContext.getPartitionId();
    try {
      return List.of(scan(rows, partition).completing(partition)).iterator();
    } catch (MalformedFileException e) {
      return List.of(ScanState.failed(partition, e)).iterator();
    } catch (Exception e) {
      if (TaskContext.get().attemptNumber() + 1 < attempts) {
        throw e;
      }
      return List.of(ScanState.failed(partition, TableFailure.describe(name, e))).iterator();
    }
  }

  private ScanState scan(Iterator<InternalRow> rows, int partition) throws MalformedFileException {
    TaskScan scan = new TaskScan(needs);
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
        StoredFile.display(row.getUTF8String(ActivationTable.FILE).toString()),
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
