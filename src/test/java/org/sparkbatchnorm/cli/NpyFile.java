package org.sparkbatchnorm.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

/** A small npy file in memory: its values in row-major order, however they lie in the file. */
public final class NpyFile {
  private final NpyHeader header;
  private final double[] rowMajor;

  private NpyFile(NpyHeader header, double[] rowMajor) {
    this.header = header;
    this.rowMajor = rowMajor;
  }

  /** With the offset of the data. */
  public NpyHeader header() {
    return header;
  }

  /** The values, the last axis varying fastest. */
  public double[] rowMajor() {
    return rowMajor;
  }

  static NpyFile of(
      DType dtype, ByteOrder byteOrder, ElementOrder order, Shape shape, double[] rowMajor) {
    return new NpyFile(NpyHeader.of(dtype, byteOrder, order, shape), rowMajor);
  }

  /** Reads a file. */
  public static NpyFile read(Path file) throws IOException {
    byte[] content = Files.readAllBytes(file);
    NpyHeader header = NpyHeader.read(ReadableBytes.of(file.toString(), content));
    int count = (int) header.shape().elements();
    double[] stored = new double[count];
    int offset = (int) header.dataOffset();
    ByteBuffer data = ByteBuffer.wrap(content, offset, content.length - offset);
    Elements.decode(header.dtype(), data.order(header.byteOrder()), stored, count);
    double[] rowMajor = new double[count];
    for (int i = 0; i < count; i++) {
      rowMajor[i] = stored[position(header, i)];
    }
    return new NpyFile(header, rowMajor);
  }

  Path write(Path file) throws IOException {
    double[] stored = new double[rowMajor.length];
    for (int i = 0; i < stored.length; i++) {
      stored[position(header, i)] = rowMajor[i];
    }
    ByteBuffer data = ByteBuffer.allocate(stored.length * header.dtype().bytes());
    Elements.encode(header.dtype(), stored, stored.length, data.order(header.byteOrder()));
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    content.writeBytes(header.toBytes());
    content.writeBytes(data.array());
    return Files.write(file, content.toByteArray());
  }

  /** Where in the file the element stands that is the i-th in row-major order. */
  private static int position(NpyHeader header, int rowMajorIndex) {
    if (header.order() == ElementOrder.ROW_MAJOR) {
      return rowMajorIndex;
    }
    int rest = rowMajorIndex;
    int stride = (int) header.shape().elements();
    int position = 0;
    for (int axis = header.shape().rank() - 1; axis >= 0; axis--) {
      int length = (int) header.shape().dimension(axis);
      stride /= length;
      position += rest % length * stride;
      rest /= length;
    }
    return position;
  }

  /** The channels of a rank-4 array moved from the second axis to the last. */
  NpyFile channelsLast() {
    Shape from = header.shape();
    int n = (int) from.dimension(0);
    int c = (int) from.dimension(1);
    int positions = (int) (from.dimension(2) * from.dimension(3));
    double[] moved = new double[rowMajor.length];
    for (int i = 0; i < n; i++) {
      for (int channel = 0; channel < c; channel++) {
        for (int p = 0; p < positions; p++) {
          moved[(i * positions + p) * c + channel] = rowMajor[(i * c + channel) * positions + p];
        }
      }
    }
    Shape to = Shape.of(n, from.dimension(2), from.dimension(3), c);
    return of(header.dtype(), header.byteOrder(), header.order(), to, moved);
  }

  /** The same values, rounded where the type is smaller, in another form. */
  NpyFile as(DType dtype, ByteOrder byteOrder, ElementOrder order) {
    return of(dtype, byteOrder, order, header.shape(), rowMajor);
  }
}
