package org.sparkbatchnorm.job;

import java.util.Iterator;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.util.SerializableConfiguration;
import org.sparkbatchnorm.storage.Storage;

/**
 * Rows of Parquet files: Spark plans the splits and reads what is narrow; the values come from the
 * files' pages.
 *
 * @param rows with the columns of {@link ActivationTable} but the values
 * @param column that holds the values
 * @param type of the values
 */
record PageSource(JavaSparkContext spark, JavaRDD<InternalRow> rows, String column, ValueType type)
    implements TableSource {
  @Override
  public int partitions() {
    return rows.getNumPartitions();
  }

  @Override
  public ScanState count(TablePartitionScan scan) {
    Broadcast<SerializableConfiguration> configuration =
        spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration()));
    try {
      return StateMerge.of(rows.mapPartitions(new Task(scan, configuration, column, type)));
    } finally {
      configuration.destroy();
    }
  }

  private record Task(
      TablePartitionScan scan,
      Broadcast<SerializableConfiguration> configuration,
      String column,
      ValueType type)
      implements FlatMapFunction<Iterator<InternalRow>, byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public Iterator<byte[]> call(Iterator<InternalRow> rows) throws Exception {
      Storage storage = Storage.of(configuration.value().value());
      return scan.state(new PageCursor(rows, storage, column, type));
    }
  }
}
