package org.sparkbatchnorm.format.parquet;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.format.converter.ParquetMetadataConverter;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** Reads the end of a Parquet file: schema and row groups. */
final class Footer {
  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

  /** Length of the footer, and magic. */
  private static final int TAIL_BYTES = 8;

  /** Without them, some versions of parquet-java allow no message of any size. */
  private static final ParquetReadOptions OPTIONS =
      ParquetReadOptions.builder(new PlainParquetConfiguration()).build();

  private Footer() {}

  /**
   * What the footer says.
   *
   * @throws MalformedFileException {@code TABLE_READ} if it cannot be understood
   */
  static ParquetMetadata read(ReadableBytes file) throws IOException {
    if (file.length() < MAGIC.length + TAIL_BYTES) {
      throw malformed(file, 0, file.length() + " bytes are too few for a Parquet file");
    }
    long end = file.length() - TAIL_BYTES;
    byte[] tail = new byte[TAIL_BYTES];
    file.readFully(end, tail, 0, TAIL_BYTES);
    if (!Arrays.equals(tail, 4, TAIL_BYTES, MAGIC, 0, MAGIC.length)) {
      throw malformed(file, end + 4, "the file does not end with PAR1");
    }
    int length = ByteBuffer.wrap(tail).order(ByteOrder.LITTLE_ENDIAN).getInt();
    if (length < 0 || length > end - MAGIC.length) {
      throw malformed(file, end, "a footer of " + length + " bytes does not fit into the file");
    }
    byte[] footer = new byte[length];
    file.readFully(end - length, footer, 0, length);
    try {
      return new ParquetMetadataConverter(OPTIONS)
          .readParquetMetadata(
              new ByteArrayInputStream(footer), ParquetMetadataConverter.NO_FILTER);
    } catch (IOException | RuntimeException e) {
      MalformedFileException malformed =
          malformed(file, end - length, "the footer cannot be read: " + e.getMessage());
      malformed.initCause(e);
      throw malformed;
    }
  }

  private static MalformedFileException malformed(ReadableBytes file, long offset, String reason) {
    return new MalformedFileException(file.name(), offset, "TABLE_READ", reason);
  }
}
