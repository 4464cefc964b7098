package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.MiniBatchRule;

/**
 * DataFrames, which are no files to a job: batches of columns or rows, as Spark's plan has them.
 */
class DataFrameTest {
  private static final String PARQUET = "parquet/pyarrow-26.0.1";
  private static final String ALL = "statistics.estimator=pooled-unbiased,pooled-biased,paper";

  @TempDir private Path folder;

  private static TableSource source(Dataset<Row> rows) throws MalformedFileException {
    JobSpec.Columns columns = new JobSpec.Columns("layer", "data", "shape", "dtype", "batch");
    return ActivationTable.ofDataFrame(rows, columns, MiniBatchRule.TENSORS).source();
  }

  private RunReport run(Dataset<Row> rows) throws IOException {
    return TestJob.of(folder, "/no/file", ALL).run(rows);
  }

  /** All that Spark's own reader can read. */
  static List<String> forms() throws IOException {
    return Statistics.expected(PARQUET).get("files").properties().stream()
        .map(Map.Entry::getKey)
        .filter(file -> !file.contains("byte-stream-split"))
        .toList();
  }

  private static Dataset<Row> read(String form) {
    SparkSession session = LocalSpark.session().newSession();
    session.conf().set("spark.sql.sources.partitionColumnTypeInference.enabled", false);
    session.conf().set("spark.sql.parquet.binaryAsString", false);
    session.conf().set("spark.sql.parquet.columnarReaderBatchSize", 4);
    return session.read().parquet(Statistics.GOLDEN.resolve(PARQUET).resolve(form).toString());
  }

  private static void assertGolden(RunReport report, String form) throws IOException {
    JsonNode golden = Statistics.expected(PARQUET);
    assertThat(report.layers()).hasSize(golden.get("files").get(form).size());
    for (RunReport.Layer layer : report.layers()) {
      Statistics.assertSame(
          Statistics.layer(report, layer.name()), golden.get("layers").get(layer.name()));
    }
  }

  @ParameterizedTest
  @MethodSource("forms")
  void batchesOfColumns(String form) throws IOException {
    Dataset<Row> rows = read(form);
    assertThat(source(rows)).isInstanceOf(BatchSource.class);
    assertGolden(run(rows), form);
  }

  /** A shuffle makes rows of them. */
  @ParameterizedTest
  @MethodSource("forms")
  void rows(String form) throws IOException {
    Dataset<Row> rows = read(form).repartition(2);
    assertThat(source(rows)).isInstanceOf(RowSource.class);
    assertGolden(run(rows), form);
  }

  /** Behind a filter, with a column computed, off the heap, out of a cache. */
  @ParameterizedTest
  @ValueSource(strings = {"list-float-snappy", "nested-float-small-pages", "binary-uncompressed"})
  void whateverSparkDoesBefore(String name) throws IOException {
    String form = name + ".parquet";
    Dataset<Row> rows = read(form);
    assertGolden(run(rows.filter("size(shape) > 0")), form);
    assertGolden(run(rows.withColumn("layer", functions.expr("lower(layer)"))), form);
    Dataset<Row> offHeap = read(form);
    offHeap.sparkSession().conf().set("spark.sql.columnVector.offheap.enabled", true);
    assertThat(source(offHeap)).isInstanceOf(BatchSource.class);
    assertGolden(run(offHeap), form);
    Dataset<Row> cached = rows.cache();
    assertGolden(run(cached), form);
    cached.unpersist(true);
  }

  /** The first DataFrame reads batches, the second rows; both say the same. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "array(3, 1) shape, array(1f, 2f) data | SHAPE_MISMATCH: row 0: data has 2 values, but the shape asks for 3",
        "array(1, 2) shape, array(1f, 2f, 3f) data | SHAPE_MISMATCH: row 0: data has 3 values, but the shape asks for 2",
        "array(1, 3) shape, array(1f, 2f, null) data | NULL_VALUE: row 0: value 2 is null",
        "array(1, 3) shape, array(1D, null, 2D) data | NULL_VALUE: row 0: value 1 is null",
        "array(1, 3) shape, cast(null as array<float>) data | NULL_VALUE: row 0: data is null",
        "array(1, 1, 2) shape, array(array(array(1f, null))) data | NULL_VALUE: row 0: value 1 is null",
        "array(1, 2, 1) shape, array(array(null, array(1f))) data | NULL_VALUE: row 0: an array on axis 2 is null",
        "array(1, 2, 1) shape, array(array(array(1f))) data | SHAPE_MISMATCH: row 0: an array on axis 1 has 1 entries, but the shape asks for 2",
        "array(1, 1) shape, X'000000' data, 'F32' dtype | SHAPE_MISMATCH: row 0: data has 3 bytes, no whole number of F32",
        "array(1, 1) shape, cast(null as binary) data, 'F32' dtype | NULL_VALUE: row 0: data is null",
        "array(1, 1) shape, X'0000' data, cast(null as string) dtype | NULL_VALUE: row 0: dtype is null"
      })
  void badRowsAreRefusedAlike(String columns, String message) throws IOException {
    Dataset<Row> rows = LocalSpark.session().sql("SELECT 'bn' layer, " + columns);
    assertThat(source(rows)).isInstanceOf(RowSource.class);
    assertRefused(rows, message);
    Dataset<Row> batches = written(rows);
    assertThat(source(batches)).isInstanceOf(BatchSource.class);
    assertRefused(batches, message);
  }

  private void assertRefused(Dataset<Row> rows, String message) {
    assertThatThrownBy(() -> run(rows))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage("DataFrame, partition 0: " + message);
    assertThat(TestJob.checkpoint(folder)).doesNotExist();
  }

  /** An array of some megabytes. */
  @Test
  void aLongRow() throws IOException {
    Dataset<Row> rows =
        LocalSpark.session()
            .sql(
                "SELECT 'bn' layer, array(500000, 2) shape,"
                    + " transform(sequence(0, 999999), i -> float(i % 2)) data");
    for (Dataset<Row> one : List.of(rows, written(rows))) {
      RunReport.Layer layer = run(one).layers().get(0);
      assertThat(layer.counts()).containsExactly(500_000, 500_000);
      assertThat(layer.pooled().mean()).containsExactly(0, 1);
      assertThat(layer.constantChannels()).isEqualTo(2);
    }
  }

  private Dataset<Row> written(Dataset<Row> rows) {
    String path = folder.resolve("written").toString();
    rows.coalesce(1).write().parquet(path);
    return LocalSpark.session().read().parquet(path);
  }
}
