package org.sparkbatchnorm.format;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A file as it will be once some of its bytes are replaced; it keeps its length. Holds the changes,
 * and nothing of the file. As thread-safe as the file; closing it leaves the file open.
 */
public final class ChangedBytes implements ReadableBytes {
  private final ReadableBytes file;
  private final List<ByteChange> changes;

  /**
   * A changed file.
   *
   * @throws IllegalArgumentException if two changes overlap, or one reaches beyond the file
   */
  public ChangedBytes(ReadableBytes file, List<ByteChange> changes) {
    List<ByteChange> sorted = new ArrayList<>(changes);
    sorted.sort(Comparator.comparingLong(ByteChange::offset));
    long free = 0;
    for (ByteChange change : sorted) {
      if (change.offset() < free || change.end() > file.length()) {
        throw new IllegalArgumentException(
            change
                + " overlap others, or reach beyond the "
                + file.length()
                + " of "
                + file.name());
      }
      free = change.end();
    }
    this.file = file;
    this.changes = List.copyOf(sorted);
  }

  @Override
  public String name() {
    return file.name();
  }

  @Override
  public long length() {
    return file.length();
  }

  @Override
  public void readFully(long position, byte[] destination, int offset, int count)
      throws IOException {
    file.readFully(position, destination, offset, count);
    for (int i = firstEndingAfter(position); i < changes.size(); i++) {
      if (changes.get(i).offset() >= position + count) {
        return;
      }
      changes.get(i).applyTo(destination, offset, count, position);
    }
  }

  private int firstEndingAfter(long position) {
    int low = 0;
    int high = changes.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (changes.get(middle).end() > position) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /** Leaves the file open, which belongs to whoever opened it. */
  @Override
  public void close() {}
}
