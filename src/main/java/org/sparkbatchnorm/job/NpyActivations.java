package org.sparkbatchnorm.job;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.kernel.BatchNorm;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * An npy file of activations, open, read block by block as often as is wanted: it may be larger
 * than memory. Not thread-safe.
 */
final class NpyActivations implements Closeable {
  private static final int BLOCK_BYTES = 256 * 1024;

  private final OpenNpy npy;
  private final ChannelView view;

  private NpyActivations(OpenNpy npy, ChannelView view) {
    this.npy = npy;
    this.view = view;
  }

  /**
   * Opens a file.
   *
   * @param requirement what is asked of the array besides; IllegalArgumentException if it is not so
   * @throws MalformedFileException DTYPE if it holds integers; SHAPE_MISMATCH if its shape does not
   *     fit the layout or the requirement
   */
  static NpyActivations open(
      Storage storage, String path, ChannelLayout layout, Consumer<ChannelView> requirement)
      throws MalformedFileException {
    OpenNpy npy =
        OpenNpy.open(storage, path, NpyHeader::read, opened -> check(opened, layout, requirement));
    return new NpyActivations(npy, view(npy.header(), layout));
  }

  private static void check(OpenNpy npy, ChannelLayout layout, Consumer<ChannelView> requirement)
      throws MalformedFileException {
    NpyHeader header = npy.header();
    if (!header.dtype().isFloating()) {
      throw npy.malformedHeader(
          "DTYPE", "the array holds " + header.dtype() + ", but floats are expected");
    }
    try {
      requirement.accept(view(header, layout));
    } catch (IllegalArgumentException e) {
      throw npy.malformedHeader(
          "SHAPE_MISMATCH", "shape " + header.shape() + ": " + e.getMessage());
    }
  }

  private static ChannelView view(NpyHeader header, ChannelLayout layout) {
    return layout.view(header.shape(), header.order());
  }

  NpyHeader header() {
    return npy.header();
  }

  /** Where the channels are. */
  ChannelView view() {
    return view;
  }

  /** What messages call it. */
  String display() {
    return npy.display();
  }

  /** Something is wrong with the array, at no single place. */
  MalformedFileException malformed(String code, String reason) {
    return new MalformedFileException(display(), MalformedFileException.NO_OFFSET, code, reason);
  }

  /** Takes blocks; their bytes may be overwritten. */
  interface BlockSink {
    void accept(TensorBlock block) throws IOException;
  }

  /**
   * Reads the array from its beginning to its end.
   *
   * @throws MalformedFileException if reading fails, or the file changed since it was opened
   * @throws IOException from the sink
   */
  void forEachBlock(BlockSink sink) throws IOException {
    byte[] bytes = new byte[BLOCK_BYTES + TensorBlock.SLACK_BYTES];
    NpyHeader header = header();
    int width = header.dtype().bytes();
    long left = view.elements() * width;
    npy.rewind();
    for (long element = 0; left > 0; ) {
      int count = (int) Math.min(left, BLOCK_BYTES);
      npy.readNext(bytes, count);
      sink.accept(
          new TensorBlock(
              header.dtype(),
              ByteBuffer.wrap(bytes, 0, count).order(header.byteOrder()),
              view,
              element));
      element += count / width;
      left -= count;
    }
    npy.requireUnchanged();
  }

  /**
   * Writes the file that holds the normalized array, of the same type, shape, byte order and
   * element order.
   *
   * @throws MalformedFileException as {@link #forEachBlock}
   * @throws IOException if writing fails
   */
  void normalize(BatchNorm batchNorm, OutputStream out) throws IOException {
    out.write(header().toBytes());
    forEachBlock(
        block -> {
          batchNorm.apply(block, block.bytes().duplicate().order(block.bytes().order()));
          out.write(block.bytes().array(), 0, block.bytes().remaining());
        });
  }

  @Override
  public void close() throws IOException {
    npy.close();
  }
}
