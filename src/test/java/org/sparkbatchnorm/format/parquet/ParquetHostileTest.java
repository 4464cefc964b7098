package org.sparkbatchnorm.format.parquet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.apache.parquet.column.ParquetProperties.WriterVersion;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.ReaderFuzz;
import org.sparkbatchnorm.format.StreamedBytes;
import org.sparkbatchnorm.format.parquet.ParquetFiles.Form;
import org.sparkbatchnorm.tensor.DType;

/**
 * Files with bytes changed or cut off: refused, or read as they were. Pages carry checksums here,
 * as parquet-java writes them.
 */
class ParquetHostileTest {
  private static final long SEED = 20_260_220;
  private static final String FLOATS =
      "optional group data (LIST) { repeated group list { optional float element; } }";
  private static final String NESTED =
      "optional group data (LIST) { repeated group list { optional group element (LIST) {"
          + " repeated group list { optional double element; } } } }";

  /** Small files of different make. */
  static List<Sample> samples() {
    List<?> flat = List.of(List.of(1f, 2f, 1f, 2f), List.of(), List.of(3f), List.of(1f, 1f, 1f));
    List<?> nested = List.of(List.of(List.of(1.0, 2.0), List.of(3.0)), List.of(List.of(5.0)));
    List<?> binaries =
        List.of(new byte[] {1, 2, 3, 4}, new byte[] {}, new byte[] {1, 2, 3, 4}, new byte[9]);
    return List.of(
        sample(FLOATS, WriterVersion.PARQUET_1_0, CompressionCodecName.UNCOMPRESSED, false, flat),
        sample(FLOATS, WriterVersion.PARQUET_1_0, CompressionCodecName.SNAPPY, true, flat),
        sample(NESTED, WriterVersion.PARQUET_2_0, CompressionCodecName.SNAPPY, false, nested),
        sample(
            "optional binary data;",
            WriterVersion.PARQUET_1_0,
            CompressionCodecName.ZSTD,
            true,
            binaries),
        sample(
            "required binary data;",
            WriterVersion.PARQUET_2_0,
            CompressionCodecName.GZIP,
            false,
            binaries));
  }

  private static Sample sample(
      String schema,
      WriterVersion version,
      CompressionCodecName codec,
      boolean dictionary,
      List<?> rows) {
    return new Sample(new Form(schema, version, codec, dictionary, 2, 10_000), rows);
  }

  private record Sample(Form form, List<?> rows) {
    byte[] bytes() throws IOException {
      return ParquetFiles.write(form, rows);
    }

    private List<String> text(Optional<DType> dtype) {
      return rows.stream().map(row -> RowText.of(row, dtype)).toList();
    }

    Optional<DType> dtype() {
      return form.schema().contains("float")
          ? Optional.of(DType.F32)
          : form.schema().contains("double") ? Optional.of(DType.F64) : Optional.empty();
    }
  }

  /** All rows, or an exception. */
  private static List<String> read(StreamedBytes file, int rows) throws IOException {
    List<String> text = new ArrayList<>();
    try (ParquetColumn column = ParquetColumn.open(file, "data")) {
      for (int row = 0; row < rows; row++) {
        RowText sink = new RowText(column.dtype());
        column.seek(row);
        column.read(sink);
        text.add(sink.toString());
      }
    }
    return text;
  }

  /** How it ends: whatever else than these is a failure. */
  private static String outcome(Sample sample, byte[] bytes, Object what) throws IOException {
    List<String> text;
    try {
      text = read(ParquetFiles.file(bytes), sample.rows.size());
    } catch (MalformedFileException e) {
      assertThat(e.code()).isIn("TABLE_READ", "DTYPE");
      return e.code();
    } catch (IllegalArgumentException e) {
      // The footer declares other row groups: who asks for rows has seen its number of rows.
      assertThat(e).hasMessageContaining("there is no row ");
      return "other rows";
    } catch (RuntimeException | Error e) {
      throw new AssertionError(sample + ", " + what, e);
    }
    if (text.equals(Collections.nCopies(text.size(), "values lists nulls 0 "))) {
      // The column has another name now.
      return "no column";
    }
    if (sample.dtype().isEmpty() && !text.equals(sample.text(sample.dtype()))) {
      // The header of a page has no checksum, and only who has the shape knows how long binaries
      // are.
      return "other bytes";
    }
    assertThat(text).as("%s, %s", sample, what).isEqualTo(sample.text(sample.dtype()));
    return "the same";
  }

  @ParameterizedTest
  @MethodSource("samples")
  void everyBitFlippedInTurn(Sample sample) throws IOException {
    byte[] bytes = sample.bytes();
    assertThat(outcome(sample, bytes, "whole")).isEqualTo("the same");
    Map<String, Integer> outcomes = new TreeMap<>();
    for (int bit = 0; bit < 8 * bytes.length; bit++) {
      byte[] flipped = bytes.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      outcomes.merge(outcome(sample, flipped, "bit " + bit), 1, Integer::sum);
    }
    System.out.println(sample + ": " + outcomes);
    assertThat(outcomes.get("TABLE_READ")).isGreaterThan(bytes.length);
    assertThat(outcomes.getOrDefault("other bytes", 0)).isLessThan(5);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void everyTruncation(Sample sample) throws IOException {
    byte[] bytes = sample.bytes();
    for (int length = 0; length < bytes.length; length++) {
      assertThat(outcome(sample, Arrays.copyOf(bytes, length), "length " + length))
          .isEqualTo("TABLE_READ");
    }
  }

  /** No more than that nothing else than an exception of ours comes out. */
  @ParameterizedTest
  @MethodSource("samples")
  void bytesMovedAround(Sample sample) throws IOException {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED);
    byte[] bytes = sample.bytes();
    for (int i = 0; i < 3_000; i++) {
      byte[] moved = ReaderFuzz.withBytesMoved(bytes, random);
      try {
        read(ParquetFiles.file(moved), sample.rows.size());
      } catch (MalformedFileException e) {
        assertThat(e.code()).isIn("TABLE_READ", "DTYPE");
      } catch (IllegalArgumentException e) {
        assertThat(e).hasMessageContaining("there is no row ");
      } catch (IOException | RuntimeException | Error e) {
        throw new AssertionError(sample + ", seed " + SEED + ", input " + i, e);
      }
    }
  }

  @Test
  void aPageWithAnotherChecksumIsNamedByItsPlace() throws IOException {
    byte[] bytes = samples().get(0).bytes();
    // The last bytes of the first page: 1, 2, 1, 2 as floats and then the header of another page.
    int at = indexOf(bytes, new byte[] {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0x40});
    bytes[at]++;
    assertThatThrownBy(() -> read(ParquetFiles.file(bytes), 4))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "a.parquet at byte 4: TABLE_READ: the page cannot be read: its bytes do not have the"
                + " checksum in its header");
  }

  private static int indexOf(byte[] bytes, byte[] wanted) {
    for (int at = 0; ; at++) {
      if (Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length)) {
        return at;
      }
    }
  }

  /** It may pass: it is not the file's fault. */
  @Test
  void whatTheStorageThrowsComesThrough() throws IOException {
    byte[] bytes = samples().get(0).bytes();
    ReadableBytes all = ReadableBytes.of("a.parquet", bytes);
    for (IOException failure : List.of(new IOException("the line went dead"), new EOFException())) {
      ReadableBytes dead =
          new ReadableBytes() {
            @Override
            public String name() {
              return all.name();
            }

            @Override
            public long length() {
              return all.length();
            }

            @Override
            public void readFully(long position, byte[] destination, int offset, int count)
                throws IOException {
              if (position < 100) {
                throw failure;
              }
              all.readFully(position, destination, offset, count);
            }

            @Override
            public void close() {}
          };
      assertThatThrownBy(() -> read(ParquetFiles.streamed(dead), 4)).isSameAs(failure);
    }
  }
}
