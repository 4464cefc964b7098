package org.sparkbatchnorm.format.npy;

import java.io.IOException;
import java.nio.ByteOrder;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * What an npy file holds, and how its elements lie in it.
 *
 * @param dtype type of the elements
 * @param byteOrder order of the bytes of each element; little-endian where an element is one byte
 * @param order which axis varies fastest
 * @param shape axis lengths, outermost first, as numpy shows them whatever the order; rank 0 is a
 *     scalar
 * @param dataOffset offset in the file of the first element
 */
public record NpyHeader(
    DType dtype, ByteOrder byteOrder, ElementOrder order, Shape shape, long dataOffset) {
  /**
   * The header that {@link #toBytes} writes for such an array.
   *
   * @throws IllegalArgumentException for BF16, which numpy has no word for
   */
  public static NpyHeader of(DType dtype, ByteOrder byteOrder, ElementOrder order, Shape shape) {
    NpyHeader header = new NpyHeader(dtype, byteOrder, order, shape, 0);
    return new NpyHeader(dtype, byteOrder, order, shape, header.toBytes().length);
  }

  /**
   * Reads and checks the header; of the data only the length is looked at.
   *
   * @throws MalformedFileException with one of these codes, and the offset of the token, data byte
   *     or end of file where it shows:
   *     <ul>
   *       <li>MAGIC, VERSION: not an npy file of version 1.0, 2.0 or 3.0
   *       <li>HEADER_TRUNCATED: the file ends before its header does
   *       <li>HEADER_TOO_LARGE: the header has more than 10,000 bytes
   *       <li>HEADER_DICT: the header is no dict literal with exactly the three keys
   *       <li>OBJECT_ARRAY: the data are pickled objects, which are never loaded
   *       <li>DTYPE: structured, subarray, datetime, or no type of {@link DType}
   *       <li>NEGATIVE_DIM, RANK_TOO_LARGE (above 32), SIZE_OVERFLOW: the shape
   *       <li>DATA_TRUNCATED, TRAILING_BYTES: the file is shorter or longer than the array
   *     </ul>
   *
   * @throws IOException if reading fails, or the file is shorter than it said
   */
  public static NpyHeader read(ReadableBytes file) throws IOException {
    return read(file, Descr.Vocabulary.NUMBERS);
  }

  /**
   * The same for an array of which only matters where it is 0: one of truth values as well, which
   * is taken for U8.
   *
   * @throws MalformedFileException as {@link #read}
   * @throws IOException as {@link #read}
   */
  public static NpyHeader readMask(ReadableBytes file) throws IOException {
    return read(file, Descr.Vocabulary.NUMBERS_AND_BOOLEANS);
  }

  private static NpyHeader read(ReadableBytes file, Descr.Vocabulary vocabulary)
      throws IOException {
    HeaderReader.Header found = HeaderReader.read(file, vocabulary);
    return located(file, found, vocabulary.parse(found.dict().descr()).orElseThrow());
  }

  /**
   * Reads as {@link #read} does, but for an array of truths, texts, times, or numbers that are
   * complex or too wide: of those nothing is looked at but the header.
   *
   * @return empty if the array has such elements
   * @throws MalformedFileException as {@link #read}; DTYPE only for structured and unknown types
   */
  public static Optional<NpyHeader> readNumbers(ReadableBytes file) throws IOException {
    HeaderReader.Header found = HeaderReader.read(file, Descr.Vocabulary.ANY);
    Optional<Descr> descr = Descr.Vocabulary.ANY.parse(found.dict().descr());
    return descr.isPresent() ? Optional.of(located(file, found, descr.get())) : Optional.empty();
  }

  private static NpyHeader located(ReadableBytes file, HeaderReader.Header found, Descr descr)
      throws MalformedFileException {
    NpyDict dict = found.dict();
    NpyHeader header =
        new NpyHeader(
            descr.dtype(), descr.byteOrder(), dict.order(), dict.shape(), found.dataOffset());
    HeaderReader.requireLength(
        file,
        found.dataOffset(),
        dict.shape().elements() * descr.dtype().bytes(),
        "dtype " + descr.dtype() + " and shape " + dict.shape());
    return header;
  }

  /**
   * A header of version 1.0 for such an array, padded so that its end, where the elements follow,
   * is a multiple of 64. {@link #dataOffset} plays no part in it.
   *
   * @throws IllegalArgumentException for BF16, which numpy has no word for
   */
  public byte[] toBytes() {
    return HeaderBytes.of(Descr.of(dtype, byteOrder), order, shape);
  }
}
