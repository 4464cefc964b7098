package org.sparkbatchnorm.job;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Iterator;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeRow;
import org.sparkbatchnorm.format.parquet.RowSink;

/** Rows whose values are one of their columns, in Spark's internal form. */
final class RowCursor implements TableCursor {
  private final Iterator<InternalRow> rows;
  private final ValueType type;
  private final SparkArrays arrays;
  private InternalRow row;

  RowCursor(Iterator<InternalRow> rows, ValueType type) {
    this.rows = rows;
    this.type = type;
    arrays = new SparkArrays(type);
  }

  @Override
  public boolean next() {
    row = rows.hasNext() ? rows.next() : null;
    return row != null;
  }

  @Override
  public InternalRow columns() {
    return row;
  }

  @Override
  public ValueType open() {
    return type;
  }

  @Override
  public void read(RowSink sink) throws IOException {
    if (row.isNullAt(ActivationTable.DATA)) {
      sink.nullAt(0);
    } else if (type.isBinary()) {
      sink.values(binary().order(ByteOrder.LITTLE_ENDIAN));
    } else {
      arrays.read(row.getArray(ActivationTable.DATA), SparkArrays.Nulls.POSSIBLE, sink);
    }
  }

  /** As text is the one way to the bytes of an unsafe row that makes no copy. */
  private ByteBuffer binary() {
    return row instanceof UnsafeRow
        ? row.getUTF8String(ActivationTable.DATA).getByteBuffer()
        : ByteBuffer.wrap(row.getBinary(ActivationTable.DATA));
  }
}
