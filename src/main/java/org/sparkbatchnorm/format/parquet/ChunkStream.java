package org.sparkbatchnorm.format.parquet;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import org.sparkbatchnorm.format.StreamedBytes;

/**
 * The bytes of a column chunk as one stream, never beyond its end. Headers come from a small
 * buffer; pages go around it.
 */
final class ChunkStream extends InputStream {
  private static final int BUFFER_BYTES = 8 * 1024;

  /**
   * The local file system takes, and throws away, as much native memory as is asked for at once.
   */
  private static final int MOST_AT_ONCE = 256 * 1024;

  private final StreamedBytes file;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int buffered;
  private int taken;

  /** Where in the file the buffer's end belongs. */
  private long position;

  private long end;
  private IOException failure;

  ChunkStream(StreamedBytes file) {
    this.file = file;
  }

  /** Goes to a range of the file. */
  void open(long begin, long length) throws IOException {
    file.seek(begin);
    position = begin;
    end = begin + length;
    buffered = 0;
    taken = 0;
  }

  /** Where the next byte stands in the file. */
  long position() {
    return position - (buffered - taken);
  }

  /** Bytes of the chunk that are left. */
  long left() {
    return end - position();
  }

  /** What the storage threw while somebody else, who may have hidden it, read from here. */
  void rethrowFailure() throws IOException {
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  public int read() throws IOException {
    if (taken == buffered && !fill()) {
      return -1;
    }
    return buffer[taken++] & 0xff;
  }

  @Override
  public int read(byte[] destination, int offset, int count) throws IOException {
    if (count == 0) {
      return 0;
    }
    if (taken == buffered && !fill()) {
      return -1;
    }
    int some = Math.min(count, buffered - taken);
    System.arraycopy(buffer, taken, destination, offset, some);
    taken += some;
    return some;
  }

  private boolean fill() throws IOException {
    int count = (int) Math.min(BUFFER_BYTES, end - position);
    if (count > 0) {
      readFile(buffer, 0, count);
    }
    buffered = count;
    taken = 0;
    return count > 0;
  }

  /** Reads exactly so many bytes. */
  void readFully(byte[] destination, int offset, int count) throws IOException {
    if (count > left()) {
      throw new EOFException(count + " bytes where " + left() + " are left");
    }
    int done = Math.min(count, buffered - taken);
    System.arraycopy(buffer, taken, destination, offset, done);
    taken += done;
    while (done < count) {
      int some = Math.min(count - done, MOST_AT_ONCE);
      readFile(destination, offset + done, some);
      done += some;
    }
  }

  private void readFile(byte[] destination, int offset, int count) throws IOException {
    try {
      file.readNext(destination, offset, count);
    } catch (IOException e) {
      failure = e;
      throw e;
    }
    position += count;
  }
}
