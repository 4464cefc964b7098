package org.sparkbatchnorm.format.parquet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.parquet.ParquetFiles.Form;
import org.sparkbatchnorm.tensor.DType;

/** What parquet-java writes is read as it was, row by row. */
class ParquetColumnTest {
  private static final long SEED = 20_260_218;

  private static final String FLOATS =
      "optional group data (LIST) { repeated group list { optional float element; } }";
  private static final String BINARY = "optional binary data;";

  /** A schema, the depth of its lists, and whether lists, their entries and values may be null. */
  enum Kind {
    FLAT(FLOATS, 1, true),
    REQUIRED(
        "required group data (LIST) { repeated group list { required double element; } }",
        1,
        false),
    /**
     * As old writers name things: Encodings of lists in LogicalTypes.md, "Backward-compatibility".
     */
    TWO_LEVELS("required group data (LIST) { repeated float array; }", 1, false),
    BARE("repeated double data;", 1, false),
    NESTED(
        "optional group data (LIST) { repeated group list { optional group element (LIST) {"
            + " repeated group list { optional float element; } } } }",
        2,
        true),
    DEEP(
        "optional group data (LIST) { repeated group list { optional group element (LIST) {"
            + " repeated group list { optional group element (LIST) {"
            + " repeated group list { optional double element; } } } } } }",
        3,
        true),
    BYTES(BINARY, 0, true),
    REQUIRED_BYTES("required binary data;", 0, false),
    FIXED_BYTES("optional fixed_len_byte_array(12) data;", 0, true);

    private final String schema;
    private final int depth;
    private final boolean nullable;

    Kind(String schema, int depth, boolean nullable) {
      this.schema = schema;
      this.depth = depth;
      this.nullable = nullable;
    }

    Optional<DType> dtype() {
      return depth == 0
          ? Optional.empty()
          : Optional.of(schema.contains("float") ? DType.F32 : DType.F64);
    }

    Object row(Random random) {
      return value(random, 0);
    }

    private Object value(Random random, int at) {
      if (nullable && random.nextInt(8) == 0) {
        return null;
      }
      if (at < depth) {
        List<Object> list = new ArrayList<>();
        int length = random.nextInt(4) == 0 ? random.nextInt(90 >> (2 * depth)) : random.nextInt(4);
        for (int i = 0; i < length; i++) {
          list.add(value(random, at + 1));
        }
        return list;
      }
      if (depth == 0) {
        byte[] bytes = new byte[this == FIXED_BYTES ? 12 : random.nextInt(40)];
        Arrays.fill(bytes, (byte) random.nextInt(20));
        return bytes;
      }
      // Few enough for a dictionary, and runs of the same one.
      int number = random.nextInt(3) == 0 ? 0 : random.nextInt(300);
      return dtype().get() == DType.F32 ? (Object) (number / 4f) : (Object) (number / 4.0);
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyKindInEveryForm(Kind kind) throws IOException {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED + kind.name().hashCode());
    for (WriterVersion version : WriterVersion.values()) {
      for (CompressionCodecName codec :
          List.of(
              CompressionCodecName.UNCOMPRESSED,
              CompressionCodecName.SNAPPY,
              CompressionCodecName.ZSTD)) {
        for (boolean dictionary : new boolean[] {false, true}) {
          for (int rowsPerPage : new int[] {1, 3, 1000}) {
            check(
                kind,
                new Form(kind.schema, version, codec, dictionary, rowsPerPage, 2_000),
                random);
          }
        }
      }
    }
  }

  private static void check(Kind kind, Form form, Random random) throws IOException {
    List<Object> rows = new ArrayList<>();
    for (int i = 0; i < 150; i++) {
      rows.add(kind.row(random));
    }
    try (ParquetColumn column =
        ParquetColumn.open(ParquetFiles.file(ParquetFiles.write(form, rows)), "data")) {
      assertThat(column.dtype()).isEqualTo(kind.dtype());
      assertThat(column.depth()).isEqualTo(kind.depth);
      for (int i = 0; i < rows.size(); i++) {
        column.seek(i);
        RowText text = new RowText(kind.dtype());
        column.read(text);
        assertThat(text)
            .as("%s, row %d", form, i)
            .hasToString(RowText.of(rows.get(i), kind.dtype()));
      }
    }
  }

  private static ParquetColumn open(Form form, Object... rows) throws IOException {
    return ParquetColumn.open(
        ParquetFiles.file(ParquetFiles.write(form, Arrays.asList(rows))), "data");
  }

  private static String read(ParquetColumn column) throws IOException {
    RowText text = new RowText(column.dtype());
    column.read(text);
    return text.toString();
  }

  @Test
  void everyRowCanBeGoneTo() throws IOException {
    Object[] rows = new Object[60];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i % 9 == 4 ? null : List.of((float) i, i + 0.5f);
    }
    Random random = new Random(1);
    for (boolean dictionary : new boolean[] {false, true}) {
      Form form =
          new Form(
              FLOATS, WriterVersion.PARQUET_1_0, CompressionCodecName.SNAPPY, dictionary, 7, 100);
      try (ParquetColumn column = open(form, rows)) {
        for (int i = 0; i < 300; i++) {
          int row = random.nextInt(rows.length);
          column.seek(row);
          assertThat(read(column)).as("row %d", row).isEqualTo(text(rows, row));
        }
        for (int row = 0; row < rows.length; row += 1 + random.nextInt(5)) {
          column.seek(row);
          assertThat(read(column)).as("row %d", row).isEqualTo(text(rows, row));
        }
        assertThatThrownBy(() -> column.seek(60))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("there is no row 60 in a.parquet, which has 60");
      }
    }
  }

  private static String text(Object[] rows, int row) {
    return rows[row] == null
        ? "values lists nulls 0 "
        : "values " + (float) row + " " + (row + 0.5f) + " lists 0:2 nulls ";
  }

  @Test
  void aColumnThatTheFileLacksIsNull() throws IOException {
    byte[] file = ParquetFiles.write(new Form("required double other;"), List.of(1.0, 2.0));
    try (ParquetColumn column = ParquetColumn.open(ParquetFiles.file(file), "data")) {
      assertThat(column.isPresent()).isFalse();
      column.seek(0);
      assertThat(read(column)).isEqualTo("values lists nulls 0 ");
      column.seek(1);
      assertThat(read(column)).isEqualTo("values lists nulls 0 ");
    }
  }

  /** As Spark has it. */
  @Test
  void aNameThatDiffersInCaseServesWhereNoneIsTheSame() throws IOException {
    byte[] file = ParquetFiles.write(new Form("optional binary Data;"), List.of(new byte[] {7}));
    try (ParquetColumn column = ParquetColumn.open(ParquetFiles.file(file), "data")) {
      column.seek(0);
      assertThat(read(column)).isEqualTo("values 07 lists nulls ");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "required float data;",
        "optional int32 data;",
        "optional group data (LIST) { repeated group list { optional int64 element; } }",
        "optional group data (LIST) { repeated group list { optional binary element; } }",
        "optional group data { optional double x; optional double y; }"
      })
  void columnsOfOtherTypesAreRefused(String schema) throws IOException {
    byte[] file = ParquetFiles.write(new Form(schema), List.of());
    assertThatThrownBy(() -> ParquetColumn.open(ParquetFiles.file(file), "data"))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith("a.parquet: DTYPE: column data is ")
        .hasMessageEndingWith(", but lists of float or double, or binary are expected");
  }
}
