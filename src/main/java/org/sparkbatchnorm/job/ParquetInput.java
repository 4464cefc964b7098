package org.sparkbatchnorm.job;

import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.MiniBatchRule;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * Parquet files as a table, read by Spark in a session of its own, so that the user's settings stay
 * as they are.
 */
final class ParquetInput {
  /** Bytes that one batch of Spark's columnar reader should hold. */
  private static final long BATCH_BYTES = 4L << 20;

  /** Magic, length of the footer, magic. */
  private static final long LEAST_FILE_BYTES = 12;

  private static final long LEAST_BATCH_ROWS = 4;
  private static final long MOST_BATCH_ROWS = 4096;

  /** parquet-java's word for what knows the keys of encrypted files. */
  private static final String ENCRYPTION = "parquet.crypto.factory.class";

  /** Of the widest element type. */
  private static final double MOST_ELEMENT_BYTES = 8;

  /**
   * By the shape: how many bytes a row takes in the file says little of one that compresses well.
   */
  private static final String ELEMENTS = "aggregate(shape, 1D, (size, axis) -> size * axis)";

  private final SparkSession session;
  private final InputFiles files;
  private final MiniBatchRule rule;

  private ParquetInput(SparkSession session, InputFiles files, MiniBatchRule rule) {
    this.session = session;
    this.files = files;
    this.rule = rule;
  }

  /** A table, what reads it, and how many rows its footers declare. */
  record Table(ActivationTable activations, TableSource source, long rows) {}

  /**
   * Opens the files.
   *
   * @param rule says whether the keys of mini-batches are of use
   * @throws MalformedFileException if a footer cannot be read, or a column is missing
   */
  static Table open(SparkSession spark, JobSpec.Input input, InputFiles files, MiniBatchRule rule)
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
    return new ParquetInput(session, files, rule).open(input.columns());
  }

  private Table open(JobSpec.Columns columns) throws MalformedFileException {
    String name = StoredFile.display(files.files().get(0).uri());
    if (files.files().size() > 1) {
      name += " and " + (files.files().size() - 1) + " more";
    }
    try {
      ActivationTable table = table(name, columns);
      Row sizes = table.rows().agg(count(lit(1)), max(expr(ELEMENTS))).head();
      double rowBytes = sizes.isNullAt(1) ? 0 : MOST_ELEMENT_BYTES * sizes.getDouble(1);
      session
          .conf()
          .set(
              "spark.sql.parquet.columnarReaderBatchSize",
              (long) Math.max(LEAST_BATCH_ROWS, Math.min(MOST_BATCH_ROWS, BATCH_BYTES / rowBytes)));
      return new Table(table, source(table, columns.data()), sizes.getLong(0));
    } catch (MalformedFileException e) {
      throw e;
    } catch (Exception e) {
      throw TableFailure.describe(name, e);
    }
  }

  /** Only Spark's reader has the keys of encrypted files. */
  private TableSource source(ActivationTable table, String column) {
    JavaSparkContext spark = JavaSparkContext.fromSparkContext(session.sparkContext());
    return spark.hadoopConfiguration().get(ENCRYPTION) == null
        ? table.pageSource(spark, column)
        : table.source();
  }

  /** All files; what stands between an input folder and a file, as layer=bn1, gives columns. */
  private ActivationTable table(String name, JobSpec.Columns columns)
      throws MalformedFileException {
    Map<String, List<String>> byInput = new TreeMap<>();
    Map<String, StoredFile> firstOfInput = new HashMap<>();
    for (StoredFile file : files.files()) {
      requireMagic(file);
      String base = file.uri().substring(0, file.uri().length() - file.name().length());
      requireSamePartitioning(file, firstOfInput.computeIfAbsent(base, key -> file));
      byInput.computeIfAbsent(base, key -> new ArrayList<>()).add(escapeGlob(file.uri()));
    }
    ActivationTable table = null;
    for (Map.Entry<String, List<String>> input : byInput.entrySet()) {
      Dataset<Row> source =
          session
              .read()
              .option("basePath", input.getKey())
              .parquet(input.getValue().toArray(String[]::new));
      ActivationTable part = ActivationTable.ofParquet(name, source, columns, rule);
      table = table == null ? part : table.union(part);
    }
    return table;
  }

  /** Beside layer=bn1/x.parquet Spark passes over y.parquet, and says nothing. */
  private static void requireSamePartitioning(StoredFile file, StoredFile first)
      throws MalformedFileException {
    if (!partitioning(file).equals(partitioning(first))) {
      throw new MalformedFileException(
          file.display(),
          MalformedFileException.NO_OFFSET,
          "TABLE_READ",
          "its folders give the columns "
              + partitioning(file)
              + ", but "
              + partitioning(first)
              + " in "
              + first.display());
    }
  }

  private static List<String> partitioning(StoredFile file) {
    List<String> columns = new ArrayList<>();
    String[] names = file.name().split("/", -1);
    for (String folder : Arrays.copyOf(names, names.length - 1)) {
      int equals = folder.indexOf('=');
      if (equals > 0) {
        columns.add(folder.substring(0, equals));
      }
    }
    return columns;
  }

  /** Spark passes over files without a byte, and says nothing. */
  private static void requireMagic(StoredFile file) throws MalformedFileException {
    if (file.length() < LEAST_FILE_BYTES) {
      throw new MalformedFileException(
          file.display(),
          0,
          "TABLE_READ",
          file.length() + " bytes, but a Parquet file has at least " + LEAST_FILE_BYTES);
    }
  }

  /** Spark takes paths for globs; these are names. */
  private static String escapeGlob(String uri) {
    return uri.replaceAll("([\\\\*?\\[\\]{}])", "\\\\$1");
  }
}
