package org.sparkbatchnorm.format.parquet;

import java.io.IOException;
import java.io.InputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopCodecs;
import org.apache.parquet.io.ParquetDecodingException;
import org.xerial.snappy.Snappy;

/**
 * Decompresses pages from array to array. Snappy without the detour over direct memory that
 * parquet-java takes; all others are left to parquet-java.
 */
final class PageCodec implements AutoCloseable {
  /** Of others than Snappy; made when one is met. */
  private CompressionCodecFactory codecs;

  /**
   * Decompresses.
   *
   * @param size how many bytes it must give
   * @throws IOException if the bytes are not what they must be; or a RuntimeException
   */
  void decompress(
      CompressionCodecName codec, byte[] from, int offset, int count, byte[] to, int at, int size)
      throws IOException {
    if (codec == CompressionCodecName.SNAPPY) {
      int declared = Snappy.uncompressedLength(from, offset, count);
      if (declared != size || Snappy.uncompress(from, offset, count, to, at) != size) {
        throw new ParquetDecodingException(
            "Snappy gives " + declared + " bytes, but " + size + " are declared");
      }
      return;
    }
    if (codecs == null) {
      codecs = HadoopCodecs.newFactory(new PlainParquetConfiguration(), 0);
    }
    BytesInput bytes =
        codecs.getDecompressor(codec).decompress(BytesInput.from(from, offset, count), size);
    if (bytes.size() != size) {
      throw new ParquetDecodingException(
          codec + " gives " + bytes.size() + " bytes, but " + size + " are declared");
    }
    try (InputStream in = bytes.toInputStream()) {
      in.readNBytes(to, at, size);
    }
  }

  @Override
  public void close() {
    if (codecs != null) {
      codecs.release();
    }
  }
}
