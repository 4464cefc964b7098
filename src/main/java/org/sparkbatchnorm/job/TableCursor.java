package org.sparkbatchnorm.job;

import java.io.Closeable;
import java.io.IOException;
import org.apache.spark.sql.catalyst.InternalRow;
import org.sparkbatchnorm.format.parquet.RowSink;

/** The rows of one partition of a table, one after the other. Not thread-safe. */
interface TableCursor extends Closeable {
  /** Goes to the next row, if there is one. */
  boolean next();

  /** The row's columns in the order of {@link ActivationTable}, but perhaps without the values. */
  InternalRow columns();

  /** Makes the row's values ready to be read, and says how it holds them. */
  ValueType open() throws IOException;

  /** Reads the row's values, once they are ready, at most once. */
  void read(RowSink sink) throws IOException;

  @Override
  default void close() throws IOException {}
}
