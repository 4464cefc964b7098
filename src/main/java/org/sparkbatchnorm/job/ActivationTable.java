package org.sparkbatchnorm.job;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.execution.QueryExecution;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StringType;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.MiniBatchRule;

/**
 * A table with one tensor a row, its columns checked and brought into one order: {@code layer}
 * string, {@code shape} array of bigint, {@code dtype} string, {@code file} string, {@code row}
 * bigint, {@code batch} string, {@code data}. Columns that are of no use are null.
 */
final class ActivationTable {
  static final int LAYER = 0;
  static final int SHAPE = 1;
  static final int DTYPE = 2;
  static final int FILE = 3;
  static final int ROW = 4;
  static final int BATCH = 5;
  static final int DATA = 6;

  /** What messages call a table without files. */
  static final String DATA_FRAME = "DataFrame";

  private static final String DEFAULT_BATCH =
      Setting.INPUT_COLUMNS_BATCH.defaultText().orElseThrow();

  private static final Column NO_TEXT = lit(null).cast(DataTypes.StringType);

  private final String name;
  private final ValueType type;
  private final Dataset<Row> rows;

  private ActivationTable(String name, ValueType type, Dataset<Row> rows) {
    this.name = name;
    this.type = type;
    this.rows = rows;
  }

  /**
   * The rows of Parquet files, whose place is known to the row.
   *
   * @param name what messages call it
   * @param rule says whether the keys of mini-batches are of use
   * @throws MalformedFileException if a column is missing or of a type that cannot be used
   */
  static ActivationTable ofParquet(
      String name, Dataset<Row> source, JobSpec.Columns columns, MiniBatchRule rule)
      throws MalformedFileException {
    return of(name, source, columns, rule, col("_metadata.file_path"), col("_metadata.row_index"));
  }

  /**
   * The rows of any DataFrame.
   *
   * @throws MalformedFileException if a column is missing or of a type that cannot be used
   */
  static ActivationTable ofDataFrame(
      Dataset<Row> source, JobSpec.Columns columns, MiniBatchRule rule)
      throws MalformedFileException {
    Column row = lit(null).cast(DataTypes.LongType);
    return of(DATA_FRAME, source, columns, rule, NO_TEXT, row);
  }

  private static ActivationTable of(
      String name,
      Dataset<Row> source,
      JobSpec.Columns columns,
      MiniBatchRule rule,
      Column file,
      Column row)
      throws MalformedFileException {
    requireColumns(name, source, columns.layer(), columns.shape(), columns.data());
    requireExactNames(name, columns.layer(), type(source, columns.layer()));
    ValueType type = valueType(name, columns.data(), type(source, columns.data()));
    Column dtype = NO_TEXT;
    if (type.isBinary()) {
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
        type,
        source.select(
            column(columns.layer()).cast(DataTypes.StringType).as("layer"),
            column(columns.shape()).cast(DataTypes.createArrayType(DataTypes.LongType)).as("shape"),
            dtype.as("dtype"),
            file.as("file"),
            row.as("row"),
            (rule.needsKeys() ? batch(name, source, columns.batch()) : NO_TEXT).as("batch"),
            column(columns.data()).as("data")));
  }

  /** The keys of mini-batches; a table that has no such column may have them in layer names. */
  private static Column batch(String name, Dataset<Row> source, String column)
      throws MalformedFileException {
    if (column.equals(DEFAULT_BATCH) && !Arrays.asList(source.columns()).contains(column)) {
      return NO_TEXT;
    }
    requireColumns(name, source, column);
    requireExactNames(name, column, type(source, column));
    return column(column).cast(DataTypes.StringType);
  }

  /**
   * The rows of both tables.
   *
   * @throws MalformedFileException if they do not hold their values in the same way
   */
  ActivationTable union(ActivationTable other) throws MalformedFileException {
    if (!other.type.equals(type)) {
      throw bad(other.name, "its values are " + other.type + ", but " + type + " in " + name);
    }
    return new ActivationTable(name, type, rows.union(other.rows));
  }

  /** As numbers with a fraction, the layers 1.1 and 1.10 would be one. */
  private static void requireExactNames(String name, String column, DataType type)
      throws MalformedFileException {
    if (!(type instanceof StringType
        || type.equals(DataTypes.BinaryType)
        || type.equals(DataTypes.ByteType)
        || type.equals(DataTypes.ShortType)
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

  private static ValueType valueType(String name, String column, DataType type)
      throws MalformedFileException {
    return ValueType.of(type)
        .orElseThrow(
            () ->
                bad(
                    name,
                    "column "
                        + column
                        + " has type "
                        + type.sql()
                        + ", but ARRAY<FLOAT>, ARRAY<DOUBLE>, arrays of such or BINARY is"
                        + " expected"));
  }

  private static MalformedFileException bad(String name, String reason) {
    return new MalformedFileException(name, MalformedFileException.NO_OFFSET, "DTYPE", reason);
  }

  String name() {
    return name;
  }

  Dataset<Row> rows() {
    return rows;
  }

  /**
   * How many rows there are of each combination of values in these columns: the columns, and the
   * number. In one order, whatever the order of the rows.
   *
   * @throws MalformedFileException if the table cannot be read
   */
  List<Row> groups(String... columns) throws MalformedFileException {
    Column[] keys = Arrays.stream(columns).map(functions::col).toArray(Column[]::new);
    try {
      List<Row> groups = new ArrayList<>(rows.groupBy(keys).agg(count(lit(1))).collectAsList());
      groups.sort(Comparator.comparing(Row::toString));
      return groups;
    } catch (Exception e) {
      // Spark throws its checked SparkException undeclared.
      throw TableFailure.describe(name, e);
    }
  }

  /** All that Spark reads: batches of columns where its plan has such ones, else rows. */
  TableSource source() {
    QueryExecution execution = execution(rows);
    return BatchSource.of(execution.executedPlan(), type)
        .map(TableSource.class::cast)
        .orElseGet(() -> new RowSource(execution.toRdd().toJavaRDD(), type));
  }

  /**
   * The rows from Spark, their values from the pages of the Parquet files.
   *
   * @param column that holds the values in the files
   */
  TableSource pageSource(JavaSparkContext spark, String column) {
    return new PageSource(spark, execution(rows.drop("data")).toRdd().toJavaRDD(), column, type);
  }

  private static QueryExecution execution(Dataset<Row> rows) {
    return ((org.apache.spark.sql.classic.Dataset<Row>) rows).queryExecution();
  }
}
