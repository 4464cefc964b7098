package org.sparkbatchnorm.job;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.kernel.Mask;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

/**
 * A mask in an npy file: truth values or numbers, of which those that are not 0 count. Of it a part
 * is in memory, whatever its size. Not thread-safe.
 */
final class NpyMask implements Mask, Closeable {
  /** As many as are held. */
  private static final int POSITIONS = 64 * 1024;

  private final OpenNpy npy;
  private final boolean[] part = new boolean[POSITIONS];
  private final double[] values = new double[POSITIONS];
  private final byte[] bytes;
  private long partFrom;
  private int partLength;

  private NpyMask(OpenNpy npy) {
    this.npy = npy;
    this.bytes = new byte[POSITIONS * npy.header().dtype().bytes()];
  }

  /**
   * Opens a mask for activations of this shape.
   *
   * @throws MalformedFileException SHAPE_MISMATCH if its shape is not theirs without the channel
   *     axis; ELEMENT_ORDER if it is stored in another order of elements
   */
  static NpyMask open(Storage storage, String path, NpyHeader activations, ChannelLayout layout)
      throws MalformedFileException {
    return new NpyMask(
        OpenNpy.open(
            storage, path, NpyHeader::readMask, npy -> requireFits(npy, activations, layout)));
  }

  private static void requireFits(OpenNpy npy, NpyHeader activations, ChannelLayout layout)
      throws MalformedFileException {
    NpyHeader header = npy.header();
    Shape expected = positions(activations.shape(), layout);
    if (!header.shape().equals(expected)) {
      throw npy.malformedHeader(
          "SHAPE_MISMATCH",
          "shape "
              + header.shape()
              + ", expected "
              + expected
              + ": that of the activations, "
              + activations.shape()
              + ", without the axis of the channels");
    }
    long longAxes = Arrays.stream(expected.dimensions()).filter(length -> length > 1).count();
    if (longAxes > 1 && header.order() != activations.order()) {
      throw npy.malformedHeader(
          "ELEMENT_ORDER",
          "elements in "
              + words(header.order())
              + " order, expected "
              + words(activations.order())
              + " order, as the activations");
    }
  }

  private static Shape positions(Shape shape, ChannelLayout layout) {
    int channelAxis = layout.channelAxis(shape.rank());
    long[] dimensions = new long[shape.rank() - 1];
    for (int axis = 0, to = 0; axis < shape.rank(); axis++) {
      if (axis != channelAxis) {
        dimensions[to++] = shape.dimension(axis);
      }
    }
    return Shape.of(dimensions);
  }

  private static String words(ElementOrder order) {
    return order == ElementOrder.ROW_MAJOR ? "row-major (C)" : "column-major (Fortran)";
  }

  /**
   * {@inheritDoc}
   *
   * @throws UncheckedIOException if reading fails
   */
  @Override
  public void read(long first, boolean[] counted, int count) {
    for (int done = 0; done < count; ) {
      long position = first + done;
      if (position < partFrom || position >= partFrom + partLength) {
        load(position);
      }
      int at = (int) (position - partFrom);
      int length = Math.min(count - done, partLength - at);
      System.arraycopy(part, at, counted, done, length);
      done += length;
    }
  }

  private void load(long position) {
    NpyHeader header = npy.header();
    int length = (int) Math.min(POSITIONS, header.shape().elements() - position);
    try {
      npy.read(position, bytes, length);
    } catch (MalformedFileException e) {
      throw new UncheckedIOException(e);
    }
    Elements.decode(
        header.dtype(), ByteBuffer.wrap(bytes).order(header.byteOrder()), values, length);
    for (int i = 0; i < length; i++) {
      part[i] = values[i] != 0;
    }
    partFrom = position;
    partLength = length;
  }

  /**
   * Checks that it is still what it was when it was opened.
   *
   * @throws MalformedFileException SHARD_CHANGED if not
   */
  void requireUnchanged() throws MalformedFileException {
    npy.requireUnchanged();
  }

  @Override
  public void close() throws IOException {
    npy.close();
  }
}
