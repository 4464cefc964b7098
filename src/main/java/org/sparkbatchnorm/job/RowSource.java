package org.sparkbatchnorm.job;

import java.util.Iterator;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.catalyst.InternalRow;

/**
 * Rows in Spark's internal form; a row is valid until the next one is read.
 *
 * @param rows with the columns of {@link ActivationTable}
 * @param type of the values
 */
record RowSource(JavaRDD<InternalRow> rows, ValueType type) implements TableSource {
  @Override
  public int partitions() {
    return rows.getNumPartitions();
  }

  @Override
  public ScanState count(TablePartitionScan scan) {
    return StateMerge.of(rows.mapPartitions(new Task(scan, type)));
  }

  private record Task(TablePartitionScan scan, ValueType type)
      implements FlatMapFunction<Iterator<InternalRow>, byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public Iterator<byte[]> call(Iterator<InternalRow> rows) throws Exception {
      return scan.state(new RowCursor(rows, type));
    }
  }
}
