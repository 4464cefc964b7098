package org.sparkbatchnorm.job;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Iterator;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.vectorized.ColumnVector;
import org.apache.spark.sql.vectorized.ColumnarBatch;
import org.sparkbatchnorm.format.parquet.RowSink;

/** Rows that come as batches of columns: their values are read out of the column's vector. */
final class BatchCursor implements TableCursor {
  private final Iterator<ColumnarBatch> batches;
  private final UnsafeProjection columns;
  private final int data;
  private final ValueType type;
  private final SparkArrays arrays;

  private Iterator<InternalRow> rows;
  private ColumnVector vector;
  private SparkArrays.Nulls nulls;
  private InternalRow row;

  /**
   * Rows of these batches.
   *
   * @param columns makes the columns of the table out of a batch's row, but for the values
   * @param data the column of a batch that holds the values
   */
  BatchCursor(Iterator<ColumnarBatch> batches, UnsafeProjection columns, int data, ValueType type) {
    this.batches = batches;
    this.columns = columns;
    this.data = data;
    this.type = type;
    arrays = new SparkArrays(type);
  }

  @Override
  public boolean next() {
    while (rows == null || !rows.hasNext()) {
      if (!batches.hasNext()) {
        return false;
      }
      begin(batches.next());
    }
    row = rows.next();
    return true;
  }

  private void begin(ColumnarBatch batch) {
    rows = batch.rowIterator();
    vector = batch.column(data);
    nulls = SparkArrays.Nulls.POSSIBLE;
    if (vector instanceof WritableColumnVector writable) {
      WritableColumnVector elements = writable;
      for (int depth = 0; depth < type.depth(); depth++) {
        elements = elements.arrayData();
      }
      nulls = elements.hasNull() ? SparkArrays.Nulls.POSSIBLE : SparkArrays.Nulls.NONE;
    }
  }

  @Override
  public InternalRow columns() {
    return columns.apply(row);
  }

  @Override
  public ValueType open() {
    return type;
  }

  @Override
  public void read(RowSink sink) throws IOException {
    if (row.isNullAt(data)) {
      sink.nullAt(0);
    } else if (type.isBinary()) {
      sink.values(binary().order(ByteOrder.LITTLE_ENDIAN));
    } else {
      arrays.read(row.getArray(data), nulls, sink);
    }
  }

  /** As text is the one way to a vector's bytes that makes no copy. */
  private ByteBuffer binary() {
    return vector instanceof WritableColumnVector
        ? row.getUTF8String(data).getByteBuffer()
        : ByteBuffer.wrap(row.getBinary(data));
  }
}
