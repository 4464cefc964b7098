package org.sparkbatchnorm.format.parquet;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.ColumnPath;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.StreamedBytes;
import org.sparkbatchnorm.tensor.DType;

/**
 * One column of a Parquet file, row by row: binaries, or lists of numbers, however nested. Rows are
 * read in order; a row group can be gone to. A column that the file lacks is null in every row. Not
 * thread-safe.
 */
public final class ParquetColumn implements Closeable {
  private static final RowSink PASSED_OVER =
      new RowSink() {
        @Override
        public void values(ByteBuffer bytes) {}

        @Override
        public void endList(int depth, long entries) {}

        @Override
        public void nullAt(int depth) {}
      };

  private final StreamedBytes file;
  private final List<BlockMetaData> groups;
  private final LeafColumn leaf;
  private final ColumnPages pages;
  private final long[] entries;

  private int group = -1;
  private long row;
  private long endOfGroup;

  private ParquetColumn(StreamedBytes file, List<BlockMetaData> groups, LeafColumn leaf) {
    this.file = file;
    this.groups = groups;
    this.leaf = leaf;
    pages = leaf == null ? null : new ColumnPages(file, leaf);
    entries = new long[leaf == null ? 0 : leaf.depth()];
  }

  /**
   * The column of this name in a file; closing it closes the file, and so does a failure to open
   * it.
   *
   * @throws MalformedFileException if the file is no Parquet file, or the column of another type
   */
  public static ParquetColumn open(StreamedBytes file, String column) throws IOException {
    try {
      ParquetMetadata footer = Footer.read(file);
      Optional<LeafColumn> leaf =
          LeafColumn.of(file.name(), footer.getFileMetaData().getSchema(), column);
      return new ParquetColumn(file, footer.getBlocks(), leaf.orElse(null));
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  /** Whether the file has the column. */
  public boolean isPresent() {
    return leaf != null;
  }

  /** The type of the numbers in its lists; empty for binaries. */
  public Optional<DType> dtype() {
    return leaf == null ? Optional.empty() : leaf.dtype();
  }

  /** In how many lists a number is; 0 for binaries. */
  public int depth() {
    return entries.length;
  }

  /**
   * Makes this row the next one to be read. Those before it in its row group that have not been
   * read are decoded and passed over.
   *
   * @param next number in the file, from 0
   * @throws MalformedFileException if what is passed over is not what it must be
   * @throws IllegalArgumentException if there is no such row
   */
  public void seek(long next) throws IOException {
    if (group < 0 || next < row || next >= endOfGroup) {
      openGroupOf(next);
    }
    if (leaf == null) {
      row = next;
    }
    while (row < next) {
      read(PASSED_OVER);
    }
  }

  private void openGroupOf(long next) throws IOException {
    long begin = 0;
    for (int i = 0; i < groups.size(); i++) {
      long end = begin + groups.get(i).getRowCount();
      if (next >= begin && next < end) {
        open(i, begin);
        return;
      }
      begin = end;
    }
    throw new IllegalArgumentException(
        "there is no row " + next + " in " + file.name() + ", which has " + begin);
  }

  private void open(int next, long begin) throws IOException {
    group = next;
    row = begin;
    endOfGroup = begin + groups.get(next).getRowCount();
    if (leaf != null) {
      pages.open(chunk(groups.get(next)));
    }
  }

  private ColumnChunkMetaData chunk(BlockMetaData block) throws MalformedFileException {
    ColumnPath path = ColumnPath.get(leaf.descriptor().getPath());
    for (ColumnChunkMetaData chunk : block.getColumns()) {
      if (chunk.getPath().equals(path)) {
        return chunk;
      }
    }
    throw malformed("row group " + group + " has no chunk for the column " + path);
  }

  /**
   * Reads the next row of the row group.
   *
   * @throws MalformedFileException if the file is not what it must be
   * @throws IOException if the storage fails, or what the sink throws
   */
  public void read(RowSink sink) throws IOException {
    if (leaf == null) {
      sink.nullAt(0);
    } else {
      readEntries(sink);
    }
    row++;
    if (leaf != null && row == endOfGroup) {
      if (pages.entries > 0 || pages.hasNext()) {
        throw malformed("row group " + group + " has more rows than its footer declares");
      }
      pages.end();
    }
  }

  private void readEntries(RowSink sink) throws IOException {
    int depth = leaf.depth();
    int open = 0;
    int valuesAhead = 0;
    for (boolean first = true; ; first = false) {
      if (pages.entries == 0) {
        readValues(valuesAhead, sink);
        valuesAhead = 0;
        if (!nextEntries()) {
          if (first) {
            throw malformed("row group " + group + " has fewer rows than its footer declares");
          }
          break;
        }
      }
      int level = level(pages.repetitions, depth);
      if (level == 0 && !first) {
        break;
      }
      // Lists that it does not go on with have ended.
      for (; open > level; open--) {
        sink.endList(open - 1, entries[open - 1]);
      }
      if (level != open) {
        throw malformed("row " + row + " goes on with a list that has not begun");
      }
      int definition = level(pages.definitions, leaf.maxDefinition());
      int count = level == depth && depth > 0 ? run() : 1;
      skip(count);
      if (level > 0) {
        entries[level - 1] += count;
      }
      open = begin(level, definition, sink);
      if (open == depth && definition == leaf.maxDefinition()) {
        valuesAhead += count;
      } else if (open == depth) {
        readValues(valuesAhead, sink);
        valuesAhead = 0;
        for (int i = 0; i < count; i++) {
          sink.nullAt(depth);
        }
      }
    }
    readValues(valuesAhead, sink);
    for (; open > 0; open--) {
      sink.endList(open - 1, entries[open - 1]);
    }
  }

  /** Begins the lists that an entry begins; how many are open then. */
  private int begin(int level, int definition, RowSink sink) throws IOException {
    for (int at = level; at < leaf.depth(); at++) {
      int there = leaf.definitionOfList(at);
      if (definition < there - 1) {
        sink.nullAt(at);
        return at;
      }
      if (definition < there) {
        sink.endList(at, 0);
        return at;
      }
      entries[at] = 1;
    }
    return leaf.depth();
  }

  private boolean nextEntries() throws IOException {
    while (pages.entries == 0 && pages.hasNext()) {
      pages.end();
      pages.next();
    }
    return pages.entries > 0;
  }

  private int level(HybridRuns levels, int most) throws IOException {
    if (levels == null) {
      return 0;
    }
    int level;
    try {
      level = levels.value();
    } catch (RuntimeException e) {
      throw pages.malformed(e);
    }
    if (level > most) {
      throw malformed(
          "row " + row + " has a level of " + level + ", but at most " + most + " is expected");
    }
    return level;
  }

  /** Entries of the page from here on that have the same levels. */
  private int run() {
    int run = pages.entries;
    if (pages.repetitions != null) {
      run = Math.min(run, pages.repetitions.run());
    }
    return pages.definitions == null ? run : Math.min(run, pages.definitions.run());
  }

  private void skip(int count) {
    pages.entries -= count;
    if (pages.repetitions != null) {
      pages.repetitions.skip(count);
    }
    if (pages.definitions != null) {
      pages.definitions.skip(count);
    }
  }

  private void readValues(int count, RowSink sink) throws IOException {
    for (int left = count; left > 0; ) {
      ByteBuffer bytes;
      try {
        bytes = pages.values.next(left).order(ByteOrder.LITTLE_ENDIAN);
      } catch (RuntimeException e) {
        throw pages.malformed(e);
      }
      left -= leaf.isBinary() ? 1 : bytes.remaining() / leaf.fixedBytes();
      sink.values(bytes);
    }
  }

  private MalformedFileException malformed(String reason) {
    return new MalformedFileException(
        file.name(), MalformedFileException.NO_OFFSET, "TABLE_READ", reason);
  }

  @Override
  public void close() throws IOException {
    if (pages != null) {
      pages.close();
    }
    file.close();
  }
}
