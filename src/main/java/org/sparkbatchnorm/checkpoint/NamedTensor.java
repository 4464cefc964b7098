package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

/**
 * A tensor of a model: what it is called and holds, how its values are read, and where they stand,
 * if they can be replaced there. Its elements are contiguous and row-major. Immutable.
 */
final class NamedTensor {
  private static final int VALUES_PER_READ = 1 << 16;

  /** What a tensor counts as that is no statistic of a layer. */
  enum Counting {
    /** It is trained. */
    PARAMETER,
    /**
     * It would be trained if its layer were not frozen: to Keras a weight that is not trainable.
     */
    FROZEN_PARAMETER,
    /** It is kept beside: indices, masks, counts. */
    BUFFER,
    /** It is kept beside, and Keras counts it as a weight that is not trainable. */
    KEPT_WEIGHT
  }

  private final String name;
  private final DType dtype;
  private final Counting counting;
  private final Shape shape;
  private final ByteOrder order;
  private final int part;
  private final ReadableBytes source;
  private final long offset;
  private final String obstacle;

  private NamedTensor(
      String name,
      DType dtype,
      Counting counting,
      Shape shape,
      ByteOrder order,
      int part,
      ReadableBytes source,
      long offset,
      String obstacle) {
    this.name = name;
    this.dtype = dtype;
    this.counting = counting;
    this.shape = shape;
    this.order = order;
    this.part = part;
    this.source = source;
    this.offset = offset;
    this.obstacle = obstacle;
  }

  /**
   * A tensor whose elements stand in a file of the model, as they are.
   *
   * @param part index of that file in the model
   * @param source that file
   * @param offset in it of the first element's first byte
   */
  static NamedTensor inPlace(
      String name,
      DType dtype,
      Shape shape,
      ByteOrder order,
      int part,
      ReadableBytes source,
      long offset) {
    Counting counting = dtype.isFloating() ? Counting.PARAMETER : Counting.BUFFER;
    return new NamedTensor(name, dtype, counting, shape, order, part, source, offset, null);
  }

  /**
   * A tensor of a type that is not computed with. It is counted, and nothing else.
   *
   * @param part index of its file in the model
   * @param source that file
   * @param offset what tells it from other tensors of that file
   */
  static NamedTensor opaque(
      String name, Counting counting, Shape shape, int part, ReadableBytes source, long offset) {
    return new NamedTensor(
        name, null, counting, shape, ByteOrder.LITTLE_ENDIAN, part, source, offset, null);
  }

  /**
   * The same, which cannot be replaced where it stands.
   *
   * @param why what is in the way and what to do about it, as a clause: "it shares its storage with
   *     'x'; save a copy"
   */
  NamedTensor fixed(String why) {
    return new NamedTensor(name, dtype, counting, shape, order, part, source, offset, why);
  }

  /** The same, which counts as something else. */
  NamedTensor counted(Counting newCounting) {
    return new NamedTensor(name, dtype, newCounting, shape, order, part, source, offset, obstacle);
  }

  /** Its whole name. */
  String name() {
    return name;
  }

  /** The type of its elements, unless it is one that is not computed with. */
  Optional<DType> dtype() {
    return Optional.ofNullable(dtype);
  }

  /** Its type, for messages. */
  String dtypeText() {
    return dtype == null ? "a type that is not computed with" : "dtype " + dtype;
  }

  Shape shape() {
    return shape;
  }

  ByteOrder order() {
    return order;
  }

  /** Index of the file that it stands in. */
  int part() {
    return part;
  }

  long offset() {
    return offset;
  }

  /** Why it cannot be replaced where it stands; empty if it can. */
  Optional<String> obstacle() {
    return Optional.ofNullable(obstacle);
  }

  /** What it counts as if it is no statistic of a layer. */
  Counting counting() {
    return counting;
  }

  boolean isFloating() {
    return dtype != null && dtype.isFloating();
  }

  /** Its elements as doubles. The type must be known. */
  double[] values() throws IOException {
    double[] values = new double[Math.toIntExact(shape.elements())];
    double[] read = new double[Math.min(VALUES_PER_READ, values.length)];
    byte[] bytes = new byte[read.length * dtype.bytes()];
    for (int from = 0; from < values.length; from += read.length) {
      int count = Math.min(read.length, values.length - from);
      source.readFully(offset + (long) from * dtype.bytes(), bytes, 0, count * dtype.bytes());
      Elements.decode(dtype, ByteBuffer.wrap(bytes).order(order), read, count);
      System.arraycopy(read, 0, values, from, count);
    }
    return values;
  }

  /** Its only element, of an integer type that must be known. */
  long integer() throws IOException {
    byte[] bytes = new byte[dtype.bytes()];
    source.readFully(offset, bytes, 0, bytes.length);
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(order);
    if (dtype == DType.I64) {
      return buffer.getLong();
    }
    double[] value = new double[1];
    Elements.decode(dtype, buffer, value, 1);
    return (long) value[0];
  }

  MalformedFileException malformed(String code, String reason) {
    return new MalformedFileException(source.name(), offset, code, reason);
  }

  @Override
  public String toString() {
    return name + " " + dtype + " " + shape;
  }
}
