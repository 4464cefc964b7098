package org.sparkbatchnorm.format.zip;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sparkbatchnorm.format.ReadableBytes;

/** Numbers of a zip: signatures, offsets of fields, and what means "see the zip64 field". */
final class Field {
  static final int LOCAL_SIGNATURE = 0x04034b50;
  static final int DESCRIPTOR_SIGNATURE = 0x08074b50;
  static final int CENTRAL_SIGNATURE = 0x02014b50;
  static final int ZIP64_END_SIGNATURE = 0x06064b50;
  static final int ZIP64_LOCATOR_SIGNATURE = 0x07064b50;
  static final int END_SIGNATURE = 0x06054b50;

  static final int LOCAL_BYTES = 30;
  static final int CENTRAL_BYTES = 46;
  static final int ZIP64_END_BYTES = 56;
  static final int ZIP64_LOCATOR_BYTES = 20;
  static final int END_BYTES = 22;

  /** Offsets of the CRC-32 in a local and in a central header. */
  static final int LOCAL_CRC = 14;

  static final int CENTRAL_CRC = 16;

  /** Flag bit 0: encrypted. */
  static final int ENCRYPTED = 1;

  /** Flag bit 3: CRC-32 and sizes follow the data. */
  static final int DESCRIPTOR = 1 << 3;

  /** Flag bit 11: the name is UTF-8. */
  static final int UTF8 = 1 << 11;

  /** Flag bits 1 and 2: how hard the compressor tried. */
  static final int COMPRESSION_LEVEL = 6;

  static final int STORED = 0;
  static final int DEFLATED = 8;

  /** Extra field: sizes and offset in 64 bits. */
  static final int ZIP64_EXTRA = 0x0001;

  /** Extra field of Info-ZIP: another name for the entry. */
  static final int UNICODE_PATH_EXTRA = 0x7075;

  static final int MAX_16 = 0xffff;
  static final long MAX_32 = 0xffff_ffffL;

  /** The first moment that a zip can tell: 1980-01-01. */
  static final short FIRST_DATE = 0x21;

  private Field() {}

  /** Bytes of a file, in the byte order of zips. */
  static ByteBuffer read(ReadableBytes file, long offset, int count) throws IOException {
    byte[] bytes = new byte[count];
    file.readFully(offset, bytes, 0, count);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static int unsigned16(ByteBuffer bytes, int offset) {
    return Short.toUnsignedInt(bytes.getShort(offset));
  }

  static long unsigned32(ByteBuffer bytes, int offset) {
    return Integer.toUnsignedLong(bytes.getInt(offset));
  }
}
