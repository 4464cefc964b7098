package org.sparkbatchnorm.job;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StringType;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * A table with one tensor a row, its columns checked and brought into one order: {@code layer}
 * string, {@code shape} array of bigint, {@code data}, {@code dtype} string, {@code file} string,
 * {@code row} bigint.
 */
final class ActivationTable {
  static final int LAYER = 0;
  static final int SHAPE = 1;
  static final int DATA = 2;
  static final int DTYPE = 3;
  static final int FILE = 4;
  static final int ROW = 5;

  /** What messages call a table without files. */
  static final String DATA_FRAME = "DataFrame";

  private static final Column NO_TEXT = lit(null).cast(DataTypes.StringType);

  private final String name;
  private final Values values;
  private final Dataset<Row> rows;

  private ActivationTable(String name, Values values, Dataset<Row> rows) {
    this.name = name;
    this.values = values;
    this.rows = rows;
  }

  /** How a row holds its values. */
  enum Values {
    FLOATS,
    DOUBLES,
    /** Little-endian bytes of the type that the column {@code dtype} names. */
    BYTES
  }

  /**
   * The rows of Parquet files, whose place is known to the row.
   *
   * @param name what messages call it
   * @throws MalformedFileException if a column is missing or of a type that cannot be used
   */
  static ActivationTable ofParquet(String name, Dataset<Row> source, JobSpec.Columns columns)
      throws MalformedFileException {
    return of(name, source, columns, col("_metadata.file_path"), col("_metadata.row_index"));
  }

  /**
   * The rows of any DataFrame.
   *
   * @throws MalformedFileException if a column is missing or of a type that cannot be used
   */
  static ActivationTable ofDataFrame(Dataset<Row> source, JobSpec.Columns columns)
      throws MalformedFileException {
    return of(DATA_FRAME, source, columns, NO_TEXT, lit(null).cast(DataTypes.LongType));
  }

  private static ActivationTable of(
      String name, Dataset<Row> source, JobSpec.Columns columns, Column file, Column row)
      throws MalformedFileException {
    requireColumns(name, source, columns.layer(), columns.shape(), columns.data());
    requireExactNames(name, columns.layer(), type(source, columns.layer()));
    Values values = values(name, columns.data(), type(source, columns.data()));
    Column dtype = NO_TEXT;
    if (values == Values.BYTES) {
      requireColumns(name, source, columns.dtype());
      dtype = column(columns.dtype()).cast(DataTypes.StringType);
    }
    if (!(type(source, columns.shape()) instanceof ArrayType shape)
        || !(shape.elementType().equals(DataTypes.IntegerType)
            || shape.elementType().equals(DataTypes.LongType))) {
      throw bad(
          name,
          "column "
              + columns.shape()
              + " has type "
              + type(source, columns.shape()).sql()
              + ", but ARRAY<INT> or ARRAY<BIGINT> is expected");
    }
    return new ActivationTable(
        name,
        values,
        source.select(
            column(columns.layer()).cast(DataTypes.StringType).as("layer"),
            column(columns.shape()).cast(DataTypes.createArrayType(DataTypes.LongType)).as("shape"),
            column(columns.data()).as("data"),
            dtype.as("dtype"),
            file.as("file"),
            row.as("row")));
  }

  /**
   * The rows of both tables.
   *
   * @throws MalformedFileException if they do not hold their values in the same way
   */
  ActivationTable union(ActivationTable other) throws MalformedFileException {
    if (other.values != values) {
      throw bad(other.name, "its values are " + other.values + ", but " + values + " in " + name);
    }
    return new ActivationTable(name, values, rows.union(other.rows));
  }

  /** As numbers with a fraction, the layers 1.1 and 1.10 would be one. */
  private static void requireExactNames(String name, String column, DataType type)
      throws MalformedFileException {
    if (!(type instanceof StringType
        || type.equals(DataTypes.BinaryType)
        || type.equals(DataTypes.IntegerType)
        || type.equals(DataTypes.LongType))) {
      throw bad(
          name,
          "column "
              + column
              + " has type "
              + type.sql()
              + ", but STRING or an integer is expected");
    }
  }

  /** A column by its plain name, dots included. */
  private static Column column(String name) {
    return col("`" + name.replace("`", "``") + "`");
  }

  private static DataType type(Dataset<Row> source, String column) {
    return source.schema().apply(column).dataType();
  }

  private static void requireColumns(String name, Dataset<Row> source, String... columns)
      throws MalformedFileException {
    List<String> found = Arrays.asList(source.columns());
    for (String column : columns) {
      if (!found.contains(column)) {
        throw new MalformedFileException(
            name,
            MalformedFileException.NO_OFFSET,
            "COLUMN_MISSING",
            "there is no column "
                + column
                + " among "
                + String.join(", ", found)
                + "; input.columns can name another");
      }
    }
  }

  private static Values values(String name, String column, DataType type)
      throws MalformedFileException {
    if (type.equals(DataTypes.BinaryType)) {
      return Values.BYTES;
    }
    if (type instanceof ArrayType array && array.elementType().equals(DataTypes.FloatType)) {
      return Values.FLOATS;
    }
    if (type instanceof ArrayType array && array.elementType().equals(DataTypes.DoubleType)) {
      return Values.DOUBLES;
    }
    throw bad(
        name,
        "column "
            + column
            + " has type "
            + type.sql()
            + ", but ARRAY<FLOAT>, ARRAY<DOUBLE> or BINARY is expected");
  }

  private static MalformedFileException bad(String name, String reason) {
    return new MalformedFileException(name, MalformedFileException.NO_OFFSET, "DTYPE", reason);
  }

  String name() {
    return name;
  }

  Values values() {
    return values;
  }

  Dataset<Row> rows() {
    return rows;
  }

  /** The rows in Spark's internal form; a row is valid until the next one is read. */
  JavaRDD<InternalRow> internalRows() {
    return ((org.apache.spark.sql.classic.Dataset<Row>) rows).queryExecution().toRdd().toJavaRDD();
  }
}
