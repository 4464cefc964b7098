package org.sparkbatchnorm.checkpoint;

import java.io.IOException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * Elements that lie apart in a file, as if they followed the first one without a gap. Closing it
 * leaves the file open.
 */
final class StridedBytes implements ReadableBytes {
  private final ReadableBytes file;
  private final long first;
  private final int elementBytes;
  private final long stride;

  /**
   * A view.
   *
   * @param first offset in the file of the first element, here too
   * @param elementBytes bytes of an element; reads are of whole ones
   * @param stride how many elements further the next one is, 0 or more
   */
  StridedBytes(ReadableBytes file, long first, int elementBytes, long stride) {
    this.file = file;
    this.first = first;
    this.elementBytes = elementBytes;
    this.stride = stride;
  }

  @Override
  public String name() {
    return file.name();
  }

  /** That of the file, which is more than can be read here. */
  @Override
  public long length() {
    return file.length();
  }

  @Override
  public void readFully(long position, byte[] destination, int offset, int count)
      throws IOException {
    for (int i = 0; i < count; i += elementBytes) {
      long element = (position + i - first) / elementBytes;
      file.readFully(
          first + element * stride * elementBytes, destination, offset + i, elementBytes);
    }
  }

  @Override
  public void close() {}
}
