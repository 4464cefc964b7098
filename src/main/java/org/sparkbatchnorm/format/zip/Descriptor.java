package org.sparkbatchnorm.format.zip;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * The data descriptor, which repeats CRC-32 and sizes after the data. There are four forms of it,
 * each of another length: with or without signature, sizes of 32 or 64 bits.
 *
 * @param crcOffset offset in the file of the CRC-32
 * @param end offset in the file of the byte after it
 */
record Descriptor(long crcOffset, long end) {
  /** Checks the descriptor that fills these bytes. */
  static Descriptor read(ReadableBytes file, CentralHeader header, long offset, long end)
      throws IOException {
    long length = end - offset;
    if (length != 12 && length != 16 && length != 20 && length != 24) {
      throw malformed(file, offset, header, "there are " + length + " bytes before what follows");
    }
    ByteBuffer bytes = Field.read(file, offset, (int) length);
    int signature = length % 8 == 0 ? Integer.BYTES : 0;
    boolean wide = length >= 20;
    long storedBytes = wide ? bytes.getLong(signature + 4) : Field.unsigned32(bytes, signature + 4);
    long size = wide ? bytes.getLong(signature + 12) : Field.unsigned32(bytes, signature + 8);
    if ((signature > 0 && bytes.getInt(0) != Field.DESCRIPTOR_SIGNATURE)
        || bytes.getInt(signature) != header.crc32()
        || storedBytes != header.storedBytes()
        || size != header.size()) {
      throw malformed(file, offset, header, "there is something else");
    }
    return new Descriptor(offset + signature, end);
  }

  private static MalformedFileException malformed(
      ReadableBytes file, long offset, CentralHeader header, String found) {
    return new MalformedFileException(
        file.name(),
        offset,
        "ZIP_DESCRIPTOR",
        found
            + ", expected CRC-32 and sizes of "
            + Limits.quoted(header.name())
            + " as the directory has them");
  }
}
