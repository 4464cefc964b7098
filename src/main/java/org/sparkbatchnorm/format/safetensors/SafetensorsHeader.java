package org.sparkbatchnorm.format.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * What a safetensors file holds: names, types, shapes and places of its arrays, and its metadata.
 * Immutable. It has been checked as a whole: the arrays cover the data exactly, each byte once.
 *
 * <p>An array may be empty or of rank 0, and a file may hold none. Names are any text, escape codes
 * and {@code ../} included: print them with {@link org.sparkbatchnorm.format.Printable}, and never
 * take them for paths.
 */
public final class SafetensorsHeader {
  private static final int LENGTH_BYTES = 8;

  /** Empty arrays may share an offset; they come before the array that begins there, by name. */
  private static final Comparator<PlacedArray> BY_OFFSET =
      Comparator.comparingLong(PlacedArray::offset)
          .thenComparingLong(PlacedArray::bytes)
          .thenComparing(PlacedArray::name);

  private final List<SafetensorsTensor> tensors = new ArrayList<>();
  private final List<OpaqueTensor> opaque = new ArrayList<>();
  private final Map<String, SafetensorsTensor> byName;
  private final Map<String, String> metadata;
  private final long dataOffset;

  private SafetensorsHeader(
      List<PlacedArray> arrays, Map<String, String> metadata, long dataOffset) {
    this.byName = new HashMap<>();
    this.metadata = metadata;
    this.dataOffset = dataOffset;
    for (PlacedArray array : arrays) {
      if (array instanceof SafetensorsTensor tensor) {
        tensors.add(tensor);
        byName.put(tensor.name(), tensor);
      } else if (array instanceof OpaqueTensor other) {
        opaque.add(other);
      }
    }
  }

  /**
   * Reads and checks the header; of the data only the length is looked at. Reads once, from the
   * start to the end of the header, in pieces of at most 1 MiB.
   *
   * @throws MalformedFileException with one of these codes, and the offset of the token, data byte
   *     or end of file where it shows:
   *     <ul>
   *       <li>HEADER_TRUNCATED: the file has less than 8 bytes, or less than its header
   *       <li>HEADER_TOO_LARGE: the header has more than 100,000,000 bytes
   *       <li>HEADER_UTF8, HEADER_JSON, HEADER_DEPTH, TRAILING_TOKENS: no single JSON object
   *       <li>DUPLICATE_KEY: a name, field or metadata key comes twice, however written
   *       <li>NAME_TOO_LONG: a name of more than 65,536 bytes
   *       <li>TOO_MANY_TENSORS: more than 100,000
   *       <li>METADATA: not an object of strings, or more than 16 MiB or 100,000 keys
   *       <li>HEADER_FIELD: a field of an entry is missing, unknown or of the wrong kind
   *       <li>DTYPE: not one of {@link org.sparkbatchnorm.tensor.DType}, in upper case
   *       <li>NOT_AN_INTEGER, NEGATIVE_DIM, RANK_TOO_LARGE (above 32), SIZE_OVERFLOW: a shape
   *       <li>BAD_OFFSET: not two offsets, negative, or reversed
   *       <li>SIZE_MISMATCH: shape and dtype take another number of bytes than the offsets give
   *       <li>OVERLAP, HOLE, DATA_TRUNCATED, TRAILING_BYTES: the arrays do not cover the data
   *     </ul>
   *
   * @throws IOException if reading fails, or the file is shorter than it said
   */
  public static SafetensorsHeader read(ReadableBytes file) throws IOException {
    return read(file, OtherTypes.REFUSED);
  }

  /**
   * The same for a model, which may hold arrays of any type of the format: those that are not of a
   * {@link org.sparkbatchnorm.tensor.DType} are {@link #opaque()}.
   *
   * @throws MalformedFileException as {@link #read}
   */
  public static SafetensorsHeader readModel(ReadableBytes file) throws IOException {
    return read(file, OtherTypes.OPAQUE);
  }

  private static SafetensorsHeader read(ReadableBytes file, OtherTypes otherTypes)
      throws IOException {
    if (file.length() < LENGTH_BYTES) {
      throw new MalformedFileException(
          file.name(),
          file.length(),
          "HEADER_TRUNCATED",
          "the file has " + file.length() + " bytes, but a header's length alone takes 8");
    }
    byte[] length = new byte[LENGTH_BYTES];
    file.readFully(0, length, 0, LENGTH_BYTES);
    long headerBytes = ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (headerBytes < 0 || headerBytes > Limits.HEADER_BYTES) {
      throw new MalformedFileException(
          file.name(),
          0,
          "HEADER_TOO_LARGE",
          "header of "
              + Long.toUnsignedString(headerBytes)
              + " bytes, expected at most "
              + Limits.HEADER_BYTES);
    }
    if (headerBytes > file.length() - LENGTH_BYTES) {
      throw new MalformedFileException(
          file.name(),
          file.length(),
          "HEADER_TRUNCATED",
          "header of "
              + headerBytes
              + " bytes, but only "
              + (file.length() - LENGTH_BYTES)
              + " are left in the file");
    }
    long dataOffset = LENGTH_BYTES + headerBytes;
    HeaderParser parser = new HeaderParser(file, LENGTH_BYTES, dataOffset, otherTypes);
    parser.parse();
    List<PlacedArray> arrays = inOrder(parser.tensors());
    requireCover(file, arrays, dataOffset);
    return new SafetensorsHeader(arrays, parser.metadata(), dataOffset);
  }

  private static List<PlacedArray> inOrder(Collection<PlacedArray> arrays) {
    List<PlacedArray> sorted = new ArrayList<>(arrays);
    sorted.sort(BY_OFFSET);
    return sorted;
  }

  private static void requireCover(ReadableBytes file, List<PlacedArray> arrays, long dataOffset)
      throws MalformedFileException {
    long covered = dataOffset;
    String before = "the header";
    for (PlacedArray array : arrays) {
      String name = Limits.quoted(array.name());
      if (array.offset() < covered) {
        throw new MalformedFileException(
            file.name(),
            array.offset(),
            "OVERLAP",
            name + " begins " + (covered - array.offset()) + " bytes before the end of " + before);
      }
      if (array.offset() > covered) {
        throw new MalformedFileException(
            file.name(),
            covered,
            "HOLE",
            array.offset() - covered + " bytes between " + before + " and " + name);
      }
      covered = array.end();
      before = name;
    }
    if (covered < file.length()) {
      throw new MalformedFileException(
          file.name(),
          covered,
          "TRAILING_BYTES",
          file.length() - covered + " bytes after the end of " + before);
    }
  }

  /** The arrays in the order of their offsets; empty ones at the same place by name. */
  public List<SafetensorsTensor> tensors() {
    return Collections.unmodifiableList(tensors);
  }

  /** The arrays of other types, in the order of their offsets; none after {@link #read}. */
  public List<OpaqueTensor> opaque() {
    return Collections.unmodifiableList(opaque);
  }

  /** The array of this name. */
  public Optional<SafetensorsTensor> tensor(String name) {
    return Optional.ofNullable(byName.get(name));
  }

  /** The strings under {@code __metadata__}, in the order of the file; empty if there are none. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Offset in the file of the first byte after the header. */
  public long dataOffset() {
    return dataOffset;
  }
}
