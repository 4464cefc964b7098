package org.sparkbatchnorm.format.zip;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.sparkbatchnorm.format.ReadableBytes;

/** Archives for tests: those of the JDK, and small ones whose every byte has a known place. */
final class Zips {
  static final String NAME = "model.zip";

  /** Entry {@code a} of two plain bytes, and {@code b} of five, as {@link ZipWriter} has them. */
  static final byte[] PLAIN = plain();

  static final int LOCAL_A = 0;
  static final int DATA_A = 64;
  static final int LOCAL_B = 66;
  static final int DATA_B = 128;
  static final int CENTRAL_A = 133;
  static final int CENTRAL_B = 133 + 47;
  static final int END = 133 + 2 * 47;

  private Zips() {}

  private static byte[] plain() {
    ZipWriter writer = new ZipWriter();
    writer.add("a", ascii("hi"));
    writer.add("b", ascii("there"));
    return writer.toBytes();
  }

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  static ReadableBytes file(byte[] bytes) {
    return ReadableBytes.of(NAME, bytes);
  }

  /** A copy with other bytes at an offset. */
  static byte[] with(byte[] zip, int offset, int... bytes) {
    byte[] copy = zip.clone();
    for (int i = 0; i < bytes.length; i++) {
      copy[offset + i] = (byte) bytes[i];
    }
    return copy;
  }

  /** A copy with bytes put in at an offset. */
  static byte[] inserted(byte[] zip, int offset, byte[] bytes) {
    ByteBuffer copy = ByteBuffer.allocate(zip.length + bytes.length);
    copy.put(zip, 0, offset).put(bytes).put(zip, offset, zip.length - offset);
    return copy.array();
  }

  static int crc32(byte[] content) {
    CRC32 crc = new CRC32();
    crc.update(content);
    return (int) crc.getValue();
  }

  /** The JDK's: deflated entries with a descriptor after the data. */
  static byte[] deflated(String name, byte[] content) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      ZipEntry entry = new ZipEntry(name);
      entry.setTimeLocal(LocalDateTime.of(2000, 1, 1, 0, 0));
      zip.putNextEntry(entry);
      zip.write(content);
      zip.closeEntry();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /**
   * One entry that is stored with a descriptor of this length, and a zip64 end, as torch.save has
   * them.
   */
  static byte[] withDescriptor(byte[] content, int descriptorBytes) {
    int crc = crc32(content);
    ByteBuffer zip = ByteBuffer.allocate(1_000).order(ByteOrder.LITTLE_ENDIAN);
    zip.putInt(0x04034b50).putShort((short) 0).putShort((short) 8).putShort((short) 0).putInt(0);
    zip.putInt(0).putInt(0).putInt(0).putShort((short) 1).putShort((short) 0).put((byte) 'x');
    zip.put(content);
    if (descriptorBytes % 8 == 0) {
      zip.putInt(0x08074b50);
    }
    zip.putInt(crc);
    if (descriptorBytes >= 20) {
      zip.putLong(content.length).putLong(content.length);
    } else {
      zip.putInt(content.length).putInt(content.length);
    }
    int directory = zip.position();
    zip.putInt(0x02014b50).putInt(0).putShort((short) 8).putShort((short) 0).putInt(0);
    // The sizes and the offset stand in the zip64 field.
    zip.putInt(crc)
        .putInt(-1)
        .putInt(-1)
        .putShort((short) 1)
        .putShort((short) 28)
        .putShort((short) 0);
    zip.putShort((short) 0).putShort((short) 0).putInt(0).putInt(-1).put((byte) 'x');
    zip.putShort((short) 1).putShort((short) 24).putLong(content.length).putLong(content.length);
    zip.putLong(0);
    int end = zip.position();
    zip.putInt(0x06064b50).putLong(44).putInt(0).putInt(0).putInt(0).putLong(1).putLong(1);
    zip.putLong(end - directory).putLong(directory);
    zip.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
    zip.putInt(0x06054b50).putInt(0).putShort((short) -1).putShort((short) 1);
    zip.putInt(-1).putInt(directory).putShort((short) 0);
    byte[] exact = new byte[zip.position()];
    zip.flip().get(exact);
    return exact;
  }
}
