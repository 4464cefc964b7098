package org.sparkbatchnorm.source;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.Split.Piece;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.storage.StoredInput;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Reads a split, one sequential stream per file, in blocks of 256 KiB: the memory it needs does not
 * depend on the sizes of tensors, rows or splits. Not thread-safe.
 */
public final class SplitReader {
  private static final int BLOCK_BYTES = 256 * 1024;

  private final Storage storage;
  private final byte[] bytes = new byte[BLOCK_BYTES + TensorBlock.SLACK_BYTES];

  /** A reader of files of this storage. */
  public SplitReader(Storage storage) {
    this.storage = storage;
  }

  /** Takes pieces as they are read. */
  public interface Sink {
    /**
     * A piece begins: the blocks that follow are its elements, from the first to the last.
     *
     * @throws MalformedFileException if the piece cannot be used
     */
    void begin(Piece piece) throws MalformedFileException;

    /**
     * The next block of the piece.
     *
     * @param block valid until this method returns
     */
    void add(TensorBlock block);
  }

  /**
   * Reads all pieces of a split.
   *
   * @throws MalformedFileException if a file is gone, forbidden, or not what it was when it was
   *     planned; what the sink was given must then be thrown away
   * @throws ReadFailure if reading failed in a way that may pass
   */
  public void read(Split split, Sink sink) throws MalformedFileException, ReadFailure {
    int next = 0;
    while (next < split.pieces().size()) {
      StoredFile file = split.pieces().get(next).tensor().file();
      try (StoredInput input = storage.open(file)) {
        while (next < split.pieces().size()
            && split.pieces().get(next).tensor().file().equals(file)) {
          read(input, split.pieces().get(next), sink);
          next++;
        }
        storage.requireUnchanged(file);
      } catch (IOException e) {
        throw ReadFailure.describe(file, e);
      }
    }
  }

  private void read(StoredInput input, Piece piece, Sink sink) throws IOException {
    PlannedTensor tensor = piece.tensor();
    int width = tensor.dtype().bytes();
    input.seek(tensor.offset() + piece.firstElement() * width);
    sink.begin(piece);
    long left = piece.bytes();
    long element = piece.firstElement();
    while (left > 0) {
      int count = (int) Math.min(left, BLOCK_BYTES);
      input.readNext(bytes, 0, count);
      ByteBuffer block = ByteBuffer.wrap(bytes, 0, count).order(tensor.ordering().order());
      sink.add(new TensorBlock(tensor.dtype(), block, tensor.view(), element));
      element += count / width;
      left -= count;
    }
  }
}
