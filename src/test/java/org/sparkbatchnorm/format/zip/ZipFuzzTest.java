package org.sparkbatchnorm.format.zip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.sparkbatchnorm.format.zip.Zips.ascii;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.ReaderFuzz;

/** Archives near valid ones. What is accepted has records that cover the file. */
class ZipFuzzTest {
  private static final List<byte[]> SEEDS =
      List.of(
          Zips.PLAIN,
          Zips.withDescriptor(ascii("content"), 12),
          Zips.withDescriptor(ascii("content"), 24),
          Zips.deflated("x", ascii("to be or not to be, to be or not to be")));

  @Test
  void readerOnlyEverAcceptsOrRejects() {
    ReaderFuzz.run("zip", ZipFuzzTest::mutant, ZipFuzzTest::check);
  }

  private static byte[] mutant(Random random) {
    byte[] zip = SEEDS.get(random.nextInt(SEEDS.size()));
    if (random.nextInt(4) == 0) {
      return ReaderFuzz.withBytesMoved(zip, random);
    }
    // Most of what is wrong with a zip is wrong in bytes of the same places.
    byte[] changed = zip.clone();
    for (int changes = random.nextInt(3); changes > 0; changes--) {
      int at = random.nextInt(zip.length);
      changed[at] =
          (byte) (random.nextBoolean() ? random.nextInt(256) : changed[at] + random.nextInt(5) - 2);
    }
    return changed;
  }

  private static void check(ReadableBytes file) throws IOException {
    ZipArchive archive = ZipArchive.read(file);
    long end = 0;
    List<ArchiveEntry> entries = new ArrayList<>(archive.entries());
    entries.sort((a, b) -> Long.compare(a.dataOffset(), b.dataOffset()));
    for (ArchiveEntry entry : entries) {
      assertThat(entry.dataOffset()).isGreaterThan(end);
      end = entry.dataEnd();
      archive.requireIntact(entry);
      try (ReadableBytes content = archive.open(entry)) {
        byte[] bytes = new byte[(int) content.length()];
        content.readFully(0, bytes, 0, bytes.length);
        assertThat(Zips.crc32(bytes)).isEqualTo(entry.crc32());
      }
    }
    assertThat(end).isLessThan(file.length());
  }

  /** Whichever byte is another, the contents are the same ones or the archive is rejected. */
  @Test
  void everyByteFlippedAndEveryTruncationIsRejectedOrChangesNothing() throws IOException {
    for (byte[] zip : SEEDS) {
      Map<String, String> contents = contents(zip);
      for (int at = 0; at < zip.length; at++) {
        for (int bit = 0; bit < 8; bit++) {
          byte[] flipped = Zips.with(zip, at, zip[at] ^ 1 << bit);
          try {
            assertThat(contents(flipped)).as("bit %d of byte %d", bit, at).isEqualTo(contents);
          } catch (MalformedFileException e) {
            assertThat(e.code()).startsWith("ZIP_");
          }
        }
        byte[] cut = Arrays.copyOf(zip, at);
        MalformedFileException rejected = null;
        try {
          contents(cut);
        } catch (MalformedFileException e) {
          rejected = e;
        }
        assertThat(rejected).as("%d bytes", at).isNotNull();
      }
    }
  }

  private static Map<String, String> contents(byte[] zip) throws IOException {
    ZipArchive archive = ZipArchive.read(Zips.file(zip));
    Map<String, String> contents = new TreeMap<>();
    for (ArchiveEntry entry : archive.entries()) {
      contents.put(entry.name(), Arrays.toString(ZipArchiveTest.content(archive, entry.name())));
    }
    return contents;
  }
}
