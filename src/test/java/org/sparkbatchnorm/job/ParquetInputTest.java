package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.spark.SparkThrowable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * Tables that are not what they must be. The session of the tests ignores corrupt files, as a
 * user's may: a job must not.
 */
class ParquetInputTest {
  private static final Path GOLDEN =
      Statistics.GOLDEN.resolve("parquet/pyarrow-26.0.1/binary-uncompressed.parquet");

  @TempDir private Path folder;
  private Path table;

  @BeforeEach
  void nameTable() {
    table = folder.resolve("table");
  }

  /** One row with these columns, in SQL. */
  private void write(String columns) {
    LocalSpark.session().sql("SELECT " + columns).coalesce(1).write().parquet(table.toString());
  }

  private void assertRefused(String... messages) {
    assertThatThrownBy(() -> TestJob.of(folder, table).run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining(table.toString())
        .hasMessageContainingAll(messages);
    assertThat(TestJob.checkpoint(folder)).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'bn' layer, array(2, 1) shape | COLUMN_MISSING: there is no column data among layer, shape",
        "'bn' layer, array(1f) data | COLUMN_MISSING: there is no column shape",
        "array(2, 1) shape, array(1f, 2f) data | COLUMN_MISSING: there is no column layer",
        "'bn' layer, array(2, 1) shape, X'0000' data | COLUMN_MISSING: there is no column dtype",
        "'bn' layer, array(2, 1) shape, 'text' data | DTYPE: column data has type STRING, but",
        "'bn' layer, array(2, 1) shape, array('a', 'b') data | has type ARRAY<STRING>",
        "'bn' layer, array(2, 1) shape, array(1, 2) data | DTYPE: column data has type ARRAY<INT>",
        "'bn' layer, array(2f, 1f) shape, array(1f, 2f) data | DTYPE: column shape has type",
        "'bn' layer, 2 shape, array(1f, 2f) data | DTYPE: column shape has type INT",
        "1.1D layer, array(2, 1) shape, array(1f, 2f) data | DTYPE: column layer has type DOUBLE",
        "'bn' layer, array(3, 1) shape, array(1f, 2f) data | SHAPE_MISMATCH: row 0: data has 2 values, but the shape asks for 3",
        "'bn' layer, array(2, 1) shape, X'000000' data, 'F32' dtype | SHAPE_MISMATCH: row 0: data has 3 bytes, no whole number of F32",
        "'bn' layer, array(2, 1) shape, X'00000000' data, 'F32' dtype | data has 1 values of F32, but the shape asks for 2",
        "'bn' layer, array(2, 1) shape, X'0000' data, 'f32' dtype | DTYPE: row 0: dtype f32 is none of",
        "'bn' layer, array(2305843009213693952, 1) shape, X'' data, 'F64' dtype | data has 0 values of F64, but the shape asks for 2305843009213693952",
        "'bn' layer, array(-1, 1) shape, array(1f) data | NEGATIVE_DIM: row 0",
        "'bn' layer, array(9223372036854775807, 2) shape, array(1f) data | SIZE_OVERFLOW: row 0",
        "'bn' layer, array(2) shape, array(1f, 2f) data | SHAPE_MISMATCH: row 0",
        "'bn' layer, array(2, 1) shape, array(1f, null) data | NULL_VALUE: row 0: value 1 is null",
        "'bn' layer, array(2, null) shape, array(1f, 2f) data | NULL_VALUE: row 0: axis 1 of the shape is null",
        "'bn' layer, cast(null as array<int>) shape, array(1f) data | NULL_VALUE: row 0: shape is null",
        "'bn' layer, array(1, 1) shape, cast(null as array<float>) data | NULL_VALUE: row 0: data is null",
        "cast(null as string) layer, array(1, 1) shape, array(1f) data | NULL_VALUE: row 0: layer is null",
        "'bn' layer, array(1, 2, 2) shape, array(array(array(1f, 2f), array(3f))) data | SHAPE_MISMATCH: row 0: an array on axis 2 has 1 entries, but the shape asks for 2",
        "'bn' layer, array(1, 2, 2) shape, array(array(array(1f, 2f), array(3f, 4f, 5f))) data | SHAPE_MISMATCH: row 0: an array on axis 2 has 3 entries",
        "'bn' layer, array(1, 3, 1) shape, array(array(array(1f), array(2f))) data | SHAPE_MISMATCH: row 0: an array on axis 1 has 2 entries, but the shape asks for 3",
        "'bn' layer, array(1, 4) shape, array(array(array(1f, 2f), array(3f, 4f))) data | SHAPE_MISMATCH: row 0: data has 3 axes, but the shape asks for 2",
        "'bn' layer, array(1, 2, 1) shape, array(array(array(1D), null)) data | NULL_VALUE: row 0: an array on axis 2 is null",
        "'bn' layer, array(1, 2, 2) shape, array(array(array(1D, 2D), array(3D, null))) data | NULL_VALUE: row 0: value 3 is null",
        "'bn' layer, array(1, 2) shape, array(array('a', 'b')) data | DTYPE: column data has type ARRAY<ARRAY<STRING>>, but",
        "X'FF' layer, array(1, 1) shape, array(1f) data | LAYER_NAME: row 0: layer"
      })
  void columnsAndRowsOfTheWrongKind(String columns, String message) {
    write(columns);
    assertRefused(message);
  }

  @Test
  void layersThatDisagreeInChannelsAcrossFiles() throws IOException {
    write("'bn' layer, array(2, 1) shape, array(1f, 2f) data");
    Path other = folder.resolve("other");
    new Activations()
        .addF32("bn", Activations.shape(1, 2), 1, 2)
        .dataFrame()
        .coalesce(1)
        .write()
        .parquet(other.toString());
    move(other, table.resolve("another.parquet"));
    assertRefused("SHAPE_MISMATCH: row 0, element 0: layer bn has ");
  }

  /** The magic at the end, the length of the footer, and the whole second half. */
  @ParameterizedTest
  @ValueSource(strings = {"magic", "footer length", "half", "empty"})
  void aBrokenFooterAmongGoodFiles(String damage) throws IOException {
    Path broken = goodAndBroken();
    try (RandomAccessFile file = new RandomAccessFile(broken.toFile(), "rw")) {
      switch (damage) {
        case "magic" -> overwrite(file, file.length() - 4, 4);
        case "footer length" -> overwrite(file, file.length() - 8, 4);
        case "half" -> file.setLength(file.length() / 2);
        default -> file.setLength(0);
      }
    }
    assertRefused("broken.parquet", "TABLE_READ: ");
  }

  /** The footer is good: what was read before the bad page must not be counted. */
  @Test
  void aCorruptPageAmongGoodOnes() throws IOException {
    Path broken = goodAndBroken();
    try (RandomAccessFile file = new RandomAccessFile(broken.toFile(), "rw")) {
      overwrite(file, 4, (int) file.length() * 6 / 10);
    }
    assertRefused("broken.parquet", "TABLE_READ: ");
  }

  private Path goodAndBroken() throws IOException {
    Files.createDirectories(table);
    Files.copy(GOLDEN, table.resolve("good.parquet"));
    return Files.copy(GOLDEN, table.resolve("z-broken.parquet"));
  }

  private static void overwrite(RandomAccessFile file, long position, int count)
      throws IOException {
    byte[] junk = new byte[count];
    Arrays.fill(junk, (byte) 0xEE);
    file.seek(position);
    file.write(junk);
  }

  @Test
  void namesWithWhatGlobsAndUrisAreMadeOf() throws IOException {
    Files.createDirectories(table);
    String[] names = {"ab", "a*b", "q?", "[ab]", "{x,y}", "back\\slash", "100% real", "a b#c"};
    for (String name : names) {
      Files.copy(GOLDEN, table.resolve(name + ".parquet"));
    }
    RunReport report = TestJob.of(folder, table).run();
    assertThat(report.input().files()).isEqualTo(names.length);
    // Four mini-batches a file (expected.json).
    assertThat(report.layers().get(0).moments().miniBatches()).isEqualTo(4L * names.length);
  }

  /** What Spark says of a row's file is escaped; messages name the file. */
  @Test
  void messagesNameTheFileAsItIs() throws IOException {
    write("'bn' layer, array(3, 1) shape, array(1f, 2f) data");
    move(table, table.resolve("50 % [a].parquet"));
    assertRefused(table + "/50 % [a].parquet: SHAPE_MISMATCH: row 0");
  }

  @Test
  void aColumnOfAnotherName() throws IOException {
    write("'bn' `the layer`, array(2, 1) shape, array(1f, 2f) `x.y`");
    RunReport report =
        TestJob.of(
                folder,
                table,
                "input.columns.layer=the layer",
                "input.columns.data=x.y",
                "input.columns.shape=shape")
            .run();
    assertThat(report.layers().get(0).pooled().mean()).containsExactly(1.5);
  }

  /** Rows of other layers stand between, of which nothing is asked but that they can be read. */
  @ParameterizedTest
  @CsvSource({"a, 2.5", "b, 6.5"})
  void oneOfTheLayersThatTakeTurns(String layer, double mean) throws IOException {
    write(
        "stack(6, 'a', array(1f, 2f), 'b', array(5f, 6f), 'a', array(3f, 4f), 'b', array(7f, 8f),"
            + " 'c', null, 'b', array(6f, 7f)) as (layer, data), array(2, 1) shape");
    RunReport report = TestJob.of(folder, table, "input.layers=" + layer).run();
    assertThat(report.layers()).hasSize(1);
    assertThat(report.layers().get(0).pooled().mean()).containsExactly(mean);
  }

  @Test
  void severalInputsWithTheirOwnPartitions() throws IOException {
    Path golden = GOLDEN.resolveSibling("partitioned");
    RunReport report = TestJob.of(folder, golden, "input.paths=" + golden + "-numeric").run();
    assertThat(report.layers().stream().map(RunReport.Layer::name))
        .containsExactly("1.1", "1.10", "bn", "features.1.bn");
  }

  @Test
  void foldersThatContradictEachOther() throws IOException {
    Files.createDirectories(table.resolve("layer=bn"));
    Path part = GOLDEN.resolveSibling("partitioned/layer=bn/part-0.parquet");
    Files.copy(part, table.resolve("layer=bn").resolve("x.parquet"));
    Files.copy(part, table.resolve("y.parquet"));
    // Spark alone would read x and pass over y.
    assertRefused("y.parquet: TABLE_READ: its folders give the columns [], but [layer] in ");
    Files.createDirectories(table.resolve("deeper/layer=bn"));
    Files.move(table.resolve("y.parquet"), table.resolve("deeper/layer=bn/y.parquet"));
    assertRefused("TABLE_READ: Spark could not read it: ", "onflicting directory structures");
  }

  /** Spark looks at one file's schema. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "array(array(1f, 2f)) data | DTYPE: column data has type ARRAY<ARRAY<FLOAT>>, but ARRAY<FLOAT> in",
        "X'0000' data | DTYPE: column data has type BINARY, but ARRAY<FLOAT> in another file",
        "array(1, 2) data | DTYPE: column data is required group data (LIST)",
        "1 other | NULL_VALUE: row 0: data is null"
      })
  void filesThatHoldTheirValuesInAnotherWay(String column, String message) throws IOException {
    write("'bn' layer, array(1, 2) shape, array(1f, 2f) data");
    move(written("'bn' layer, array(1, 2) shape, " + column), table.resolve("z.parquet"));
    assertRefused("z.parquet: " + message);
  }

  /** The same numbers are the same statistics, whatever their type. */
  @Test
  void floatsInOneFileAndDoublesInAnother() throws IOException {
    write("'bn' layer, array(1, 2) shape, array(1f, 2f) data");
    move(written("'bn' layer, array(1, 2) shape, array(3D, 4D) data"), table.resolve("z.parquet"));
    assertThat(TestJob.of(folder, table).run().layers().get(0).pooled().mean())
        .containsExactly(2, 3);
  }

  private Path written(String columns) {
    Path other = folder.resolve("other");
    LocalSpark.session().sql("SELECT " + columns).coalesce(1).write().parquet(other.toString());
    return other;
  }

  private static void move(Path written, Path to) throws IOException {
    try (var files = Files.list(written)) {
      Path part = files.filter(file -> file.toString().endsWith(".parquet")).findFirst().get();
      Files.move(part, to);
    }
  }

  @Test
  void severalFormatsInOneFolderMustBeToldApart() throws IOException {
    Files.createDirectories(table);
    Files.copy(GOLDEN, table.resolve("x.parquet"));
    new Activations()
        .addF32("bn", Activations.shape(2, 1), 1, 2)
        .writeSafetensors(table.resolve("y.safetensors"));
    assertThatThrownBy(() -> TestJob.of(folder, table).run())
        .isInstanceOf(JobSpecException.class)
        .hasMessage(
            "the input holds files of several formats (safetensors, parquet); say which with"
                + " --format (input.format)");
    assertThat(TestJob.of(folder, table, "input.format=parquet").run().input().files())
        .isEqualTo(1);
  }

  /** Somebody who cancels a job is not told that his files are bad. */
  @Test
  void aCancelledJobIsNoBadTable() {
    class Cancelled extends RuntimeException implements SparkThrowable {
      private static final long serialVersionUID = 1L;

      @Override
      public String getCondition() {
        return "SPARK_JOB_CANCELLED";
      }
    }

    RuntimeException cancelled = new Cancelled();
    assertThatThrownBy(() -> TableFailure.describe("t", cancelled)).isSameAs(cancelled);
  }
}
