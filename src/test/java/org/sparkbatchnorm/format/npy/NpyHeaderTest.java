package org.sparkbatchnorm.format.npy;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkbatchnorm.format.npy.NpyFiles.dict;
import static org.sparkbatchnorm.format.npy.NpyFiles.file;
import static org.sparkbatchnorm.tensor.ElementOrder.COLUMN_MAJOR;
import static org.sparkbatchnorm.tensor.ElementOrder.ROW_MAJOR;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/** What is accepted, what the header then says, and what is written. */
class NpyHeaderTest {

  @ParameterizedTest
  @CsvSource({
    "<f2, F16, LITTLE_ENDIAN",
    "<f4, F32, LITTLE_ENDIAN",
    "<f8, F64, LITTLE_ENDIAN",
    ">f2, F16, BIG_ENDIAN",
    ">f4, F32, BIG_ENDIAN",
    ">f8, F64, BIG_ENDIAN",
    "=f4, F32, LITTLE_ENDIAN",
    "|i1, I8, LITTLE_ENDIAN",
    "|u1, U8, LITTLE_ENDIAN",
    ">u1, U8, LITTLE_ENDIAN",
    "<i2, I16, LITTLE_ENDIAN",
    ">i4, I32, BIG_ENDIAN",
    "<i8, I64, LITTLE_ENDIAN",
    ">u2, U16, BIG_ENDIAN",
    "<u4, U32, LITTLE_ENDIAN"
  })
  void everySupportedTypeIsRead(String descr, DType dtype, String byteOrder) throws IOException {
    String header = dict("'" + descr + "'", "False", "(3,)");
    NpyHeader read = NpyHeader.read(file(header, 3 * dtype.bytes()));
    ByteOrder expected = byteOrder.equals("BIG_ENDIAN") ? BIG_ENDIAN : LITTLE_ENDIAN;
    assertThat(read)
        .isEqualTo(new NpyHeader(dtype, expected, ROW_MAJOR, Shape.of(3), 10L + header.length()));
  }

  @ParameterizedTest
  @CsvSource({"|b1, U8", "<f4, F32", "|i1, I8"})
  void aMaskIsOfTruthValuesOrNumbers(String descr, DType dtype) throws IOException {
    String header = dict("'" + descr + "'", "False", "(3,)");
    NpyHeader read = NpyHeader.readMask(file(header, 3 * dtype.bytes()));
    assertThat(read.dtype()).isEqualTo(dtype);
    assertThat(read.shape()).isEqualTo(Shape.of(3));
  }

  @Test
  void aMaskIsOfNothingElse() {
    assertThatThrownBy(() -> NpyHeader.readMask(file(dict("'<c8'", "False", "(3,)"), 24)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageEndingWith(
            ": DTYPE: '<c8' is not supported, expected one of b1, f2, f4, f8, i1, i2, i4, i8, u1,"
                + " u2, u4");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void versionsDifferInTheWidthOfTheLength(int version) throws IOException {
    byte[] header = dict("'<f4'", "False", "(2, 3)").getBytes(StandardCharsets.US_ASCII);
    byte[] bytes = NpyFiles.bytes(version, header, 24);
    NpyHeader read = NpyHeader.read(ReadableBytes.of(NpyFiles.NAME, bytes));
    assertThat(read.dataOffset()).isEqualTo((version == 1 ? 10 : 12) + header.length);
    assertThat(read.shape()).isEqualTo(Shape.of(2, 3));
  }

  @Test
  void fortranOrderIsDescribedNotConverted() throws IOException {
    NpyHeader read = NpyHeader.read(file(dict("'<f4'", "True", "(2, 3)"), 24));
    assertThat(read.order()).isEqualTo(COLUMN_MAJOR);
    assertThat(read.shape()).isEqualTo(Shape.of(2, 3));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {"(); 1", "(0,); 0", "(4, 0, 2); 0", "(2, 3, ); 6", "( 2 ,3 ); 6"})
  void scalarsEmptyArraysAndWhiteSpaceAreAccepted(String shape, int elements) throws IOException {
    assertThat(NpyHeader.read(file(dict("'|u1'", "False", shape), elements)).shape().elements())
        .isEqualTo(elements);
  }

  @Test
  void keysMayComeInAnyOrderInEitherQuotes() throws IOException {
    String header = "  {\"shape\":(2,),'descr':\"<i2\",\n'fortran_order':False}  ";
    assertThat(NpyHeader.read(file(header, 4)).dtype()).isEqualTo(DType.I16);
  }

  // numpy 2.4.6: np.save of np.zeros((2, 3), '<f4'), np.zeros((3,), '>i2'), np.zeros((), 'u1'),
  // np.asfortranarray(np.zeros((2, 3)))
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "F32; LITTLE; ROW_MAJOR; 2,3; {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        "I16; BIG; ROW_MAJOR; 3; {'descr': '>i2', 'fortran_order': False, 'shape': (3,), }",
        "U8; BIG; ROW_MAJOR; ''; {'descr': '|u1', 'fortran_order': False, 'shape': (), }",
        "F64; LITTLE; COLUMN_MAJOR; 2,3; {'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }"
      },
      quoteCharacter = '`')
  void headerIsWrittenAsNumpyDoes(
      DType dtype, String byteOrder, ElementOrder order, String shape, String dict) {
    String axes = shape.replace("'", "");
    NpyHeader header =
        NpyHeader.of(
            dtype,
            byteOrder.equals("BIG") ? BIG_ENDIAN : LITTLE_ENDIAN,
            order,
            axes.isEmpty()
                ? Shape.of()
                : Shape.of(Arrays.stream(axes.split(",")).mapToLong(Long::parseLong).toArray()));
    byte[] bytes = header.toBytes();
    assertThat(bytes).hasSize(128).startsWith(0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0);
    assertThat(header.dataOffset()).isEqualTo(128);
    assertThat(new String(bytes, 10, 118, StandardCharsets.US_ASCII))
        .isEqualTo(dict + " ".repeat(117 - dict.length()) + "\n");
  }

  @ParameterizedTest
  @EnumSource(value = DType.class, mode = EnumSource.Mode.EXCLUDE, names = "BF16")
  void whatIsWrittenReadsBackAsTheSame(DType dtype) throws IOException {
    for (int rank = 0; rank <= 32; rank++) {
      long[] axes = new long[rank];
      Arrays.fill(axes, 1);
      NpyHeader header = NpyHeader.of(dtype, LITTLE_ENDIAN, COLUMN_MAJOR, Shape.of(axes));
      byte[] bytes = header.toBytes();
      assertThat(bytes.length % 64).isZero();
      byte[] file = Arrays.copyOf(bytes, bytes.length + dtype.bytes());
      assertThat(NpyHeader.read(ReadableBytes.of(NpyFiles.NAME, file))).isEqualTo(header);
    }
  }

  @Test
  void bfloat16HasNoNpyType() {
    assertThatThrownBy(() -> NpyHeader.of(DType.BF16, LITTLE_ENDIAN, ROW_MAJOR, Shape.of(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("BF16 has no npy type, expected one of f2, f4, f8, i1, i2, i4, i8, u1, u2, u4");
  }
}
