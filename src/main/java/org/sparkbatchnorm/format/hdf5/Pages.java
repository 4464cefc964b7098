package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * The pages of a file that were read last, 1 MiB of them: structures are small and lie close
 * together, and a read on a remote file takes as long whatever its length. Not thread-safe.
 */
final class Pages {
  private static final int PAGE_BYTES = 1 << 14;
  private static final int PAGES = 64;

  private final ReadableBytes file;
  private final Map<Long, byte[]> pages = new LinkedHashMap<>(2 * PAGES, 0.75f, true);

  Pages(ReadableBytes file) {
    this.file = file;
  }

  /** Fills the array with what begins at this offset, all of which must be there. */
  void read(long offset, byte[] destination) throws IOException {
    if (destination.length > PAGE_BYTES) {
      file.readFully(offset, destination, 0, destination.length);
      return;
    }
    for (int done = 0; done < destination.length; ) {
      long position = offset + done;
      byte[] page = page(position / PAGE_BYTES);
      int from = (int) (position % PAGE_BYTES);
      int length = Math.min(page.length - from, destination.length - done);
      System.arraycopy(page, from, destination, done, length);
      done += length;
    }
  }

  private byte[] page(long number) throws IOException {
    byte[] page = pages.get(number);
    if (page == null) {
      long offset = number * PAGE_BYTES;
      page = new byte[(int) Math.min(PAGE_BYTES, file.length() - offset)];
      file.readFully(offset, page, 0, page.length);
      pages.put(number, page);
      if (pages.size() > PAGES) {
        pages.remove(pages.keySet().iterator().next());
      }
    }
    return page;
  }
}
