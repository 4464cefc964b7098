package org.sparkbatchnorm.format.parquet;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import org.apache.parquet.format.PageHeader;
import org.apache.parquet.format.Util;
import org.apache.parquet.hadoop.metadata.ColumnChunkMetaData;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.ParquetDecodingException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.StreamedBytes;

/**
 * The pages of one column chunk as bytes: read one after the other, checked against their checksums
 * and unpacked. Mutable, not thread-safe; what it gives is valid until the next page is read, a
 * dictionary until the next dictionary.
 */
final class PageReader implements AutoCloseable {
  private final StreamedBytes file;
  private final ChunkStream stream;
  private final PageCodec codec = new PageCodec();
  private final CRC32 crc = new CRC32();

  private byte[] stored = new byte[0];
  private byte[] unpacked = new byte[0];
  private byte[] unpackedDictionary = new byte[0];
  private ColumnChunkMetaData chunk;

  PageReader(StreamedBytes file) {
    this.file = file;
    stream = new ChunkStream(file);
  }

  /**
   * Goes to a chunk, before its first page.
   *
   * @throws MalformedFileException if it is not inside the file
   */
  void open(ColumnChunkMetaData next) throws IOException {
    long begin = next.getStartingPos();
    long length = next.getTotalSize();
    if (begin < 0 || length < 0 || begin > file.length() - length) {
      throw new MalformedFileException(
          file.name(),
          MalformedFileException.NO_OFFSET,
          "TABLE_READ",
          "a column chunk of "
              + length
              + " bytes at "
              + begin
              + " reaches outside a file of "
              + file.length());
    }
    chunk = next;
    stream.open(begin, length);
  }

  /** Where in the file the next page begins. */
  long position() {
    return stream.position();
  }

  /** Throws what the storage threw, if a page could not be read for that. */
  void rethrowFailure() throws IOException {
    stream.rethrowFailure();
  }

  /**
   * Reads the next page.
   *
   * @return its header
   * @throws ParquetDecodingException if its sizes do not fit, or its bytes are not what they were
   */
  PageHeader next() throws IOException {
    PageHeader header = header();
    int size = header.getCompressed_page_size();
    stored = withRoomFor(stored, size);
    stream.readFully(stored, 0, size);
    if (header.isSetCrc()) {
      crc.reset();
      crc.update(stored, 0, size);
      if ((int) crc.getValue() != header.getCrc()) {
        throw new ParquetDecodingException("its bytes do not have the checksum in its header");
      }
    }
    return header;
  }

  private PageHeader header() throws IOException {
    PageHeader header = Util.readPageHeader(stream);
    int size = header.getCompressed_page_size();
    int unpackedSize = header.getUncompressed_page_size();
    if (size < 0 || size > stream.left()) {
      throw new ParquetDecodingException(
          "its " + size + " bytes do not fit into the " + stream.left() + " left of the chunk");
    }
    if (chunk.getCodec() == CompressionCodecName.UNCOMPRESSED && unpackedSize != size) {
      throw new ParquetDecodingException(
          "its " + size + " bytes are not compressed, but would unpack to " + unpackedSize);
    }
    if (unpackedSize < 0 || unpackedSize > chunk.getTotalUncompressedSize()) {
      throw new ParquetDecodingException(
          "it unpacks to "
              + unpackedSize
              + " bytes, but the chunk to "
              + chunk.getTotalUncompressedSize());
    }
    return header;
  }

  /** The page's bytes as they are in the file. */
  ByteBuffer stored(PageHeader header) {
    return littleEndian(stored).limit(header.getCompressed_page_size());
  }

  /**
   * The page's bytes, unpacked.
   *
   * @param plain how many at the front are not packed
   */
  ByteBuffer data(PageHeader header, int plain) throws IOException {
    if (chunk.getCodec() == CompressionCodecName.UNCOMPRESSED) {
      return stored(header);
    }
    int size = header.getUncompressed_page_size();
    unpacked = withRoomFor(unpacked, size);
    System.arraycopy(stored, 0, unpacked, 0, plain);
    int packed = header.getCompressed_page_size() - plain;
    if (packed > 0) {
      codec.decompress(chunk.getCodec(), stored, plain, packed, unpacked, plain, size - plain);
    }
    return littleEndian(unpacked).limit(size);
  }

  /** The bytes of a dictionary's page, unpacked, and kept from the pages that follow. */
  ByteBuffer dictionary(PageHeader header) throws IOException {
    ByteBuffer data = data(header, 0);
    // The arrays change places: the next page must not overwrite it.
    byte[] other = unpackedDictionary;
    if (chunk.getCodec() == CompressionCodecName.UNCOMPRESSED) {
      unpackedDictionary = stored;
      stored = other;
    } else {
      unpackedDictionary = unpacked;
      unpacked = other;
    }
    return data;
  }

  private static byte[] withRoomFor(byte[] array, int bytes) {
    int room = Math.addExact(bytes, HybridRuns.SLACK);
    return array.length >= room ? array : new byte[room];
  }

  private static ByteBuffer littleEndian(byte[] array) {
    return ByteBuffer.wrap(array).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    codec.close();
  }
}
