package org.sparkbatchnorm.job;

import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * Parquet files as a table, read by Spark in a session of its own, so that the user's settings stay
 * as they are.
 */
final class ParquetInput {
  /** Bytes that one batch of Spark's columnar reader should hold. */
  private static final long BATCH_BYTES = 4L << 20;

  private static final long LEAST_BATCH_ROWS = 4;
  private static final long MOST_BATCH_ROWS = 4096;

  /** Of the widest element type. */
  private static final double MOST_ELEMENT_BYTES = 8;

  /**
   * By the shape: how many bytes a row takes in the file says little of one that compresses well.
   */
  private static final String ELEMENTS = "aggregate(shape, 1D, (size, axis) -> size * axis)";

  private final SparkSession session;
  private final InputFiles files;

  private ParquetInput(SparkSession session, InputFiles files) {
    this.session = session;
    this.files = files;
  }

  /** A table and how many rows its footers declare. */
  record Table(ActivationTable activations, long rows) {}

  /**
   * Opens the files.
   *
   * @throws MalformedFileException if a footer cannot be read, or a column is missing
   */
  static Table open(SparkSession spark, JobSpec.Input input, InputFiles files)
      throws MalformedFileException {
    SparkSession session = spark.newSession();
    // A broken file must not leave behind the rows that came before its broken page.
    session.conf().set("spark.sql.files.ignoreCorruptFiles", false);
    session.conf().set("spark.sql.files.ignoreMissingFiles", false);
    // layer=1.10 is a name, not the number 1.1.
    session.conf().set("spark.sql.sources.partitionColumnTypeInference.enabled", false);
    // Values are bytes, whatever else in the user's lake is text without saying so.
    session.conf().set("spark.sql.parquet.binaryAsString", false);
    input
        .splitSizeBytes()
        .ifPresent(bytes -> session.conf().set("spark.sql.files.maxPartitionBytes", bytes));
    return new ParquetInput(session, files).open(input.columns());
  }

  private Table open(JobSpec.Columns columns) throws MalformedFileException {
    String name = StoredFile.display(files.files().get(0).uri());
    if (files.files().size() > 1) {
      name += " and " + (files.files().size() - 1) + " more";
    }
    try {
      ActivationTable table = ActivationTable.ofParquet(name, table(), columns);
      Row sizes = table.rows().agg(count(lit(1)), max(expr(ELEMENTS))).head();
      double rowBytes = sizes.isNullAt(1) ? 0 : MOST_ELEMENT_BYTES * sizes.getDouble(1);
      session
          .conf()
          .set(
              "spark.sql.parquet.columnarReaderBatchSize",
              (long) Math.max(LEAST_BATCH_ROWS, Math.min(MOST_BATCH_ROWS, BATCH_BYTES / rowBytes)));
      return new Table(table, sizes.getLong(0));
    } catch (MalformedFileException e) {
      throw e;
    } catch (Exception e) {
      throw TableFailure.describe(name, e);
    }
  }

  /** All files; what stands between an input folder and a file, as layer=bn1, gives columns. */
  private Dataset<Row> table() {
    Map<String, List<String>> byInput = new TreeMap<>();
    for (StoredFile file : files.files()) {
      String base = file.uri().substring(0, file.uri().length() - file.name().length());
      byInput.computeIfAbsent(base, key -> new ArrayList<>()).add(escapeGlob(file.uri()));
    }
    Dataset<Row> table = null;
    for (Map.Entry<String, List<String>> input : byInput.entrySet()) {
      Dataset<Row> part =
          session
              .read()
              .option("basePath", input.getKey())
              .parquet(input.getValue().toArray(String[]::new));
      table = table == null ? part : table.unionByName(part);
    }
    return table;
  }

  /** Spark takes paths for globs; these are names. */
  private static String escapeGlob(String uri) {
    return uri.replaceAll("([\\\\*?\\[\\]{}])", "\\\\$1");
  }
}
