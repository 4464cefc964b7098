package org.sparkbatchnorm.job;

import java.io.Closeable;
import java.io.IOException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.storage.IoFailure;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.storage.StoredInput;

/** An npy file, open. Whatever goes wrong with it is told apart from what goes wrong elsewhere. */
final class OpenNpy implements Closeable {
  private final Storage storage;
  private final StoredFile file;
  private final StoredInput in;
  private NpyHeader header;

  private OpenNpy(Storage storage, StoredFile file, StoredInput in) {
    this.storage = storage;
    this.file = file;
    this.in = in;
  }

  /** Reads a header. */
  interface HeaderReader {
    NpyHeader read(ReadableBytes file) throws IOException;
  }

  /** Looks at a header. */
  interface Check {
    void accept(OpenNpy npy) throws MalformedFileException;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws MalformedFileException if it is no npy file, or from the check
   */
  static OpenNpy open(Storage storage, String path, HeaderReader reader, Check check)
      throws MalformedFileException {
    StoredFile file = storage.file(path);
    try {
      OpenNpy npy = new OpenNpy(storage, file, storage.open(file));
      try {
        npy.header = reader.read(npy.in);
        check.accept(npy);
        return npy;
      } catch (IOException e) {
        npy.close();
        throw e;
      }
    } catch (IOException e) {
      throw IoFailure.describe(file.display(), e);
    }
  }

  NpyHeader header() {
    return header;
  }

  /** What messages call it. */
  String display() {
    return file.display();
  }

  /** Something is wrong with the header. */
  MalformedFileException malformedHeader(String code, String reason) {
    return new MalformedFileException(display(), 0, code, reason);
  }

  /**
   * Goes to the first element.
   *
   * @throws MalformedFileException if that fails
   */
  void rewind() throws MalformedFileException {
    try {
      in.seek(header.dataOffset());
    } catch (IOException e) {
      throw IoFailure.describe(display(), e);
    }
  }

  /**
   * Reads the bytes that come next.
   *
   * @throws MalformedFileException if that fails
   */
  void readNext(byte[] bytes, int count) throws MalformedFileException {
    try {
      in.readNext(bytes, 0, count);
    } catch (IOException e) {
      throw IoFailure.describe(display(), e);
    }
  }

  /**
   * Reads elements from anywhere.
   *
   * @throws MalformedFileException if that fails
   */
  void read(long firstElement, byte[] bytes, int elements) throws MalformedFileException {
    int width = header.dtype().bytes();
    try {
      in.readFully(header.dataOffset() + firstElement * width, bytes, 0, elements * width);
    } catch (IOException e) {
      throw IoFailure.describe(display(), e);
    }
  }

  /**
   * Checks that the file is what it was when it was opened: one that is written over while it is
   * read would be a mixture.
   *
   * @throws MalformedFileException SHARD_CHANGED if it is not
   */
  void requireUnchanged() throws MalformedFileException {
    try {
      storage.requireUnchanged(file);
    } catch (IOException e) {
      throw IoFailure.describe(display(), e);
    }
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
