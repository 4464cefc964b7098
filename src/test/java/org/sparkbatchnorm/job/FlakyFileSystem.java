package org.sparkbatchnorm.job;

import java.io.FilterInputStream;
import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PositionedReadable;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.Seekable;

/**
 * The local disk under the scheme {@code flaky}, where the sequential stream of every file breaks
 * off in its middle as often as was asked for. Headers, which are read by position, are safe.
 */
public final class FlakyFileSystem extends RawLocalFileSystem {
  /** What a stream gives before it breaks off: not even whole elements. */
  private static final int FIRST_BYTES = 1003;

  private static final Map<String, AtomicInteger> STREAMS = new ConcurrentHashMap<>();
  private static volatile int failures;
  private static volatile String spared = "";

  /** This many sequential streams of every file break off from now on. */
  static void failFirst(int streams) {
    STREAMS.clear();
    failures = streams;
    spared = "";
  }

  /** Except for the file of this name. */
  static void spare(String name) {
    spared = name;
  }

  /** How many sequential streams have been begun of the file. */
  static int streamsOf(String name) {
    return STREAMS.getOrDefault(name, new AtomicInteger()).get();
  }

  @Override
  public URI getUri() {
    return URI.create("flaky:///");
  }

  @Override
  public String getScheme() {
    return "flaky";
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    FSDataInputStream file = super.open(new Path(path.toUri().getPath()), bufferSize);
    return new FSDataInputStream(new Breaking(path.getName(), file));
  }

  private static final class Breaking extends FilterInputStream
      implements Seekable, PositionedReadable {
    private final String name;
    private final FSDataInputStream file;
    private int stream;
    private boolean readOnce;

    Breaking(String name, FSDataInputStream file) {
      super(file);
      this.name = name;
      this.file = file;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (stream == 0) {
        stream = STREAMS.computeIfAbsent(name, key -> new AtomicInteger()).incrementAndGet();
      }
      boolean breaks = stream <= failures && !name.equals(spared);
      if (breaks && readOnce) {
        throw new IOException("the line went dead");
      }
      readOnce = true;
      return file.read(bytes, offset, breaks ? Math.min(length, FIRST_BYTES) : length);
    }

    @Override
    public void seek(long position) throws IOException {
      file.seek(position);
    }

    @Override
    public long getPos() throws IOException {
      return file.getPos();
    }

    @Override
    public boolean seekToNewSource(long position) throws IOException {
      return file.seekToNewSource(position);
    }

    @Override
    public int read(long position, byte[] bytes, int offset, int length) throws IOException {
      return file.read(position, bytes, offset, length);
    }

    @Override
    public void readFully(long position, byte[] bytes, int offset, int length) throws IOException {
      file.readFully(position, bytes, offset, length);
    }

    @Override
    public void readFully(long position, byte[] bytes) throws IOException {
      file.readFully(position, bytes);
    }
  }
}
