package org.sparkbatchnorm.format.zip;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * A small zip, put together in memory: entries are stored, in the order added, with the first date
 * that zips know. The same calls give the same bytes. Each content begins at a multiple of 64, as
 * {@code torch.save} does it, so that it can be mapped; the room before it is an extra field. It
 * refuses what {@link ZipArchive} would refuse. Not thread-safe.
 */
public final class ZipWriter {
  private static final int ALIGNMENT = 64;
  private static final int MOST_ENTRIES = Field.MAX_16 - 1;

  /** Needed to extract: 2.0, which every reader is. */
  private static final short VERSION = 20;

  /** Id and length of an extra field. */
  private static final int EXTRA_BYTES = 4;

  /** The id that {@code torch.save} gives its padding: FB. */
  private static final short PADDING = 0x4246;

  private final ByteArrayOutputStream records = new ByteArrayOutputStream();
  private final ByteArrayOutputStream directory = new ByteArrayOutputStream();
  private final Set<String> names = new HashSet<>();

  /**
   * Adds an entry.
   *
   * @param name unlike any other, fit for a zip (see ZIP_NAME of {@link ZipArchive#read})
   * @throws IllegalArgumentException if the name is taken or unfit or has more than 65,535 bytes in
   *     UTF-8, or there are 65,534 entries already
   * @throws IllegalStateException if the file would exceed 2^31 - 1 bytes
   */
  public void add(String name, byte[] content) {
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    if (EntryNames.isUnfit(name)
        || nameBytes.length > Field.MAX_16
        || !name.equals(new String(nameBytes, StandardCharsets.UTF_8))) {
      throw new IllegalArgumentException(
          "the name " + Limits.quoted(name) + " cannot be that of an entry in a zip");
    }
    if (names.size() == MOST_ENTRIES) {
      throw new IllegalArgumentException("more than " + MOST_ENTRIES + " entries in one zip");
    }
    if (!names.add(name)) {
      throw new IllegalArgumentException("the name " + Limits.quoted(name) + " is taken");
    }
    long added = 2L * (Field.CENTRAL_BYTES + nameBytes.length + ALIGNMENT) + content.length;
    if (records.size() + directory.size() + added + Field.END_BYTES > Integer.MAX_VALUE) {
      throw new IllegalStateException("a zip of more than 2^31 - 1 bytes");
    }
    CRC32 crc = new CRC32();
    crc.update(content);
    int offset = records.size();
    int unpadded = offset + Field.LOCAL_BYTES + nameBytes.length + EXTRA_BYTES;
    int padding = Math.floorMod(-unpadded, ALIGNMENT);
    byte[] shared = new byte[24];
    littleEndian(shared)
        .putShort((short) (name.length() == nameBytes.length ? 0 : Field.UTF8))
        .putShort((short) Field.STORED)
        .putShort((short) 0)
        .putShort(Field.FIRST_DATE)
        .putInt((int) crc.getValue())
        .putInt(content.length)
        .putInt(content.length)
        .putShort((short) nameBytes.length)
        .putShort((short) (EXTRA_BYTES + padding));

    byte[] local = new byte[Field.LOCAL_BYTES + nameBytes.length + EXTRA_BYTES + padding];
    littleEndian(local)
        .putInt(Field.LOCAL_SIGNATURE)
        .putShort(VERSION)
        .put(shared)
        .put(nameBytes)
        .putShort(PADDING)
        .putShort((short) padding);
    records.writeBytes(local);
    records.writeBytes(content);

    byte[] central = new byte[Field.CENTRAL_BYTES + nameBytes.length];
    littleEndian(central)
        .putInt(Field.CENTRAL_SIGNATURE)
        .putShort(VERSION)
        .putShort(VERSION)
        .put(shared, 0, shared.length - Short.BYTES)
        .putInt(Field.CENTRAL_BYTES - Integer.BYTES, offset)
        .position(Field.CENTRAL_BYTES)
        .put(nameBytes);
    directory.writeBytes(central);
  }

  /** The file. */
  public byte[] toBytes() {
    byte[] file = new byte[records.size() + directory.size() + Field.END_BYTES];
    littleEndian(file)
        .put(records.toByteArray())
        .put(directory.toByteArray())
        .putInt(Field.END_SIGNATURE)
        .putInt(0)
        .putShort((short) names.size())
        .putShort((short) names.size())
        .putInt(directory.size())
        .putInt(records.size());
    return file;
  }

  private static ByteBuffer littleEndian(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
