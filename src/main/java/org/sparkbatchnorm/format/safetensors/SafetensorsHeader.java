package org.sparkbatchnorm.format.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collection;
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
  private static final Comparator<SafetensorsTensor> BY_OFFSET =
      Comparator.comparingLong(SafetensorsTensor::offset)
          .thenComparingLong(SafetensorsTensor::bytes)
          .thenComparing(SafetensorsTensor::name);

  private final List<SafetensorsTensor> tensors;
  private final Map<String, SafetensorsTensor> byName;
  private final Map<String, String> metadata;
  private final long dataOffset;

  private SafetensorsHeader(
      List<SafetensorsTensor> tensors, Map<String, String> metadata, long dataOffset) {
    this.tensors = List.copyOf(tensors);
    this.byName = new HashMap<>();
    this.metadata = metadata;
    this.dataOffset = dataOffset;
    for (SafetensorsTensor tensor : tensors) {
      byName.put(tensor.name(), tensor);
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
    HeaderParser parser = new HeaderParser(file, LENGTH_BYTES, dataOffset);
    parser.parse();
    List<SafetensorsTensor> tensors = inOrder(parser.tensors());
    requireCover(file, tensors, dataOffset);
    return new SafetensorsHeader(tensors, parser.metadata(), dataOffset);
  }

  private static List<SafetensorsTensor> inOrder(Collection<SafetensorsTensor> tensors) {
    List<SafetensorsTensor> sorted = new ArrayList<>(tensors);
    sorted.sort(BY_OFFSET);
    return sorted;
  }

  private static void requireCover(
      ReadableBytes file, List<SafetensorsTensor> tensors, long dataOffset)
      throws MalformedFileException {
    long covered = dataOffset;
    String before = "the header";
    for (SafetensorsTensor tensor : tensors) {
      String name = Limits.quoted(tensor.name());
      if (tensor.offset() < covered) {
        throw new MalformedFileException(
            file.name(),
            tensor.offset(),
            "OVERLAP",
            name + " begins " + (covered - tensor.offset()) + " bytes before the end of " + before);
      }
      if (tensor.offset() > covered) {
        throw new MalformedFileException(
            file.name(),
            covered,
            "HOLE",
            tensor.offset() - covered + " bytes between " + before + " and " + name);
      }
      covered = tensor.end();
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
    return tensors;
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
