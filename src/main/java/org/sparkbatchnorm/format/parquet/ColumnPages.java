package org.sparkbatchnorm.format.parquet;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.parquet.bytes.ByteBufferInputStream;
import org.apache.parquet.bytes.BytesUtils;
import org.apache.parquet.column.Encoding;
import org.apache.parquet.column.ValuesType;
import org.apache.parquet.column.values.ValuesReader;
import org.apache.parquet.format.DataPageHeader;
import org.apache.parquet.format.DataPageHeaderV2;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.PageType;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.io.ParquetDecodingException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.StreamedBytes;

/**
 * The data pages of one column chunk after the other, each where the one before was. Mutable, not
 * thread-safe.
 */
final class ColumnPages implements AutoCloseable {
  private static final int BLOCK_BYTES = 64 * 1024;

  private final StreamedBytes file;
  private final LeafColumn leaf;
  private final PageReader pages;
  private final ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  private PageDictionary dictionary;
  private long entriesAhead;
  private long pageOffset;

  /** Entries of the page: values, and places where there is none. */
  int entries;

  /** Their repetition levels; null where all are 0. */
  HybridRuns repetitions;

  /** Their definition levels; null where all are 0. */
  HybridRuns definitions;

  /** The values. */
  PageValues values;

  ColumnPages(StreamedBytes file, LeafColumn leaf) {
    this.file = file;
    this.leaf = leaf;
    pages = new PageReader(file);
  }

  /**
   * Goes to a chunk, before its first page.
   *
   * @throws MalformedFileException if it is not inside the file
   */
  void open(ColumnChunkMetaData next) throws IOException {
    pages.open(next);
    dictionary = null;
    values = null;
    entriesAhead = next.getValueCount();
    entries = 0;
  }

  /** Whether pages with entries come after this one. */
  boolean hasNext() {
    return entriesAhead > 0;
  }

  /**
   * Goes to the next data page.
   *
   * @throws MalformedFileException if it cannot be read
   * @throws IOException if the storage fails
   */
  void next() throws IOException {
    pageOffset = pages.position();
    try {
      while (!read(pages.next())) {
        pageOffset = pages.position();
      }
    } catch (IOException | RuntimeException e) {
      pages.rethrowFailure();
      throw malformed(e);
    }
  }

  /**
   * The entries of the page have all been taken.
   *
   * @throws MalformedFileException if it has more
   */
  void end() throws MalformedFileException {
    if (values != null) {
      try {
        values.end();
      } catch (RuntimeException e) {
        throw malformed(e);
      }
      values = null;
    }
  }

  /** What went wrong with the page at hand. */
  MalformedFileException malformed(Exception e) {
    if (e instanceof MalformedFileException malformed) {
      return malformed;
    }
    String reason = e.getMessage() == null ? e.toString() : e.getMessage();
    MalformedFileException malformed =
        new MalformedFileException(
            file.name(), pageOffset, "TABLE_READ", "the page cannot be read: " + reason);
    malformed.initCause(e);
    return malformed;
  }

  /** Takes up a page; whether it has data. */
  private boolean read(PageHeader header) throws IOException {
    if (header.getType() == PageType.DICTIONARY_PAGE && header.isSetDictionary_page_header()) {
      readDictionary(header);
    } else if (header.getType() == PageType.DATA_PAGE && header.isSetData_page_header()) {
      readData(header, header.getData_page_header());
      return true;
    } else if (header.getType() == PageType.DATA_PAGE_V2 && header.isSetData_page_header_v2()) {
      readData(header, header.getData_page_header_v2());
      return true;
    }
    return false;
  }

  private void readDictionary(PageHeader header) throws IOException {
    dictionary =
        new PageDictionary(
            pages.dictionary(header), header.getDictionary_page_header().getNum_values(), leaf);
  }

  private void readData(PageHeader header, DataPageHeader data) throws IOException {
    begin(data.getNum_values());
    ByteBuffer bytes = pages.data(header, 0);
    requireHybrid(data.getRepetition_level_encoding(), leaf.depth());
    requireHybrid(data.getDefinition_level_encoding(), leaf.maxDefinition());
    repetitions = leaf.depth() == 0 ? null : levels(bytes, leaf.depth(), lengthAhead(bytes));
    definitions =
        leaf.maxDefinition() == 0 ? null : levels(bytes, leaf.maxDefinition(), lengthAhead(bytes));
    values = values(data.getEncoding(), bytes);
  }

  private void readData(PageHeader header, DataPageHeaderV2 data) throws IOException {
    begin(data.getNum_values());
    int levelBytes =
        Math.addExact(
            data.getRepetition_levels_byte_length(), data.getDefinition_levels_byte_length());
    int size = header.getCompressed_page_size();
    if (levelBytes < 0 || levelBytes > size) {
      throw new ParquetDecodingException(levelBytes + " bytes of levels in a page of " + size);
    }
    ByteBuffer bytes =
        data.isIs_compressed() ? pages.data(header, levelBytes) : pages.stored(header);
    HybridRuns repeated = levels(bytes, leaf.depth(), data.getRepetition_levels_byte_length());
    repetitions = leaf.depth() == 0 ? null : repeated;
    HybridRuns defined =
        levels(bytes, leaf.maxDefinition(), data.getDefinition_levels_byte_length());
    definitions = leaf.maxDefinition() == 0 ? null : defined;
    values = values(data.getEncoding(), bytes);
  }

  private void begin(int count) {
    if (count < 0 || count > entriesAhead) {
      throw new ParquetDecodingException(
          "it has " + count + " values, but " + entriesAhead + " are left in the chunk");
    }
    entries = count;
    entriesAhead -= count;
  }

  private static void requireHybrid(org.apache.parquet.format.Encoding encoding, int maxLevel) {
    if (maxLevel > 0 && encoding != org.apache.parquet.format.Encoding.RLE) {
      throw new ParquetDecodingException("levels in the encoding " + encoding);
    }
  }

  private static int lengthAhead(ByteBuffer bytes) {
    return bytes.getInt();
  }

  private HybridRuns levels(ByteBuffer bytes, int maxLevel, int length) {
    int begin = bytes.position();
    if (length < 0 || length > bytes.remaining()) {
      throw new ParquetDecodingException(
          length + " bytes of levels where " + bytes.remaining() + " are left");
    }
    bytes.position(begin + length);
    return new HybridRuns(
        BytesUtils.getWidthFromMaxInt(maxLevel), withSlack(bytes), begin, begin + length);
  }

  private PageValues values(org.apache.parquet.format.Encoding encoding, ByteBuffer bytes)
      throws IOException {
    int width = leaf.fixedBytes();
    switch (encoding) {
      case PLAIN -> {
        return leaf.isBinary()
            ? PageValues.plainBinaries(bytes, width)
            : PageValues.plainNumbers(bytes, width);
      }
      case PLAIN_DICTIONARY, RLE_DICTIONARY -> {
        if (!bytes.hasRemaining()) {
          // Nothing but nulls.
          return PageValues.plainBinaries(bytes, 0);
        }
        if (dictionary == null) {
          throw new ParquetDecodingException("there is no dictionary before it");
        }
        int bits = bytes.get();
        HybridRuns places = new HybridRuns(bits, withSlack(bytes), bytes.position(), bytes.limit());
        return leaf.isBinary()
            ? PageValues.binariesOf(dictionary, places)
            : PageValues.numbersOf(dictionary, places, block);
      }
      default -> {
        ValuesReader reader =
            Encoding.valueOf(encoding.name()).getValuesReader(leaf.descriptor(), ValuesType.VALUES);
        reader.initFromPage(entries, ByteBufferInputStream.wrap(bytes));
        return leaf.isBinary()
            ? PageValues.binariesOf(reader)
            : PageValues.numbersOf(reader, width, block);
      }
    }
  }

  /** The same bytes, with all that the array holds behind them. */
  private static ByteBuffer withSlack(ByteBuffer bytes) {
    return bytes.duplicate().clear().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    pages.close();
  }
}
