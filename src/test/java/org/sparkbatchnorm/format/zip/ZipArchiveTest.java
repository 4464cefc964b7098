package org.sparkbatchnorm.format.zip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkbatchnorm.format.zip.Zips.ascii;
import static org.sparkbatchnorm.format.zip.Zips.file;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.ByteChange;
import org.sparkbatchnorm.format.ChangedBytes;
import org.sparkbatchnorm.format.ReadableBytes;

class ZipArchiveTest {
  private static final String CONTENT = "abcdefghij".repeat(30_000);

  static byte[] content(ZipArchive archive, String name) throws IOException {
    ArchiveEntry entry = archive.entry(name).orElseThrow();
    archive.requireIntact(entry);
    try (ReadableBytes bytes = archive.open(entry)) {
      byte[] content = new byte[(int) bytes.length()];
      bytes.readFully(0, content, 0, content.length);
      return content;
    }
  }

  @Test
  void whatWasWrittenIsReadByUsAndByTheJdk() throws IOException {
    ZipWriter writer = new ZipWriter();
    writer.add("archive/data.pkl", ascii("pickle"));
    writer.add("archive/\u0434\u0430\u043d\u043d\u044b\u0435", ascii(CONTENT));
    writer.add("empty", new byte[0]);
    byte[] zip = writer.toBytes();
    assertThat(zip).isEqualTo(writer.toBytes());

    ZipArchive archive = ZipArchive.read(file(zip));
    assertThat(archive.entries())
        .extracting(ArchiveEntry::name)
        .containsExactly(
            "archive/data.pkl", "archive/\u0434\u0430\u043d\u043d\u044b\u0435", "empty");
    assertThat(archive.entries()).allSatisfy(entry -> assertThat(entry.dataOffset() % 64).isZero());
    assertThat(content(archive, "archive/data.pkl")).isEqualTo(ascii("pickle"));
    assertThat(content(archive, "empty")).isEmpty();
    assertThat(archive.entry("data.pkl")).isEmpty();

    List<String> byTheJdk = new ArrayList<>();
    try (ZipInputStream jdk = new ZipInputStream(new ByteArrayInputStream(zip))) {
      for (ZipEntry entry = jdk.getNextEntry(); entry != null; entry = jdk.getNextEntry()) {
        byTheJdk.add(entry.getName());
        assertThat(jdk.readAllBytes()).isEqualTo(content(archive, entry.getName()));
      }
    }
    assertThat(byTheJdk).hasSize(3);
  }

  @Test
  void aZipMayBeEmpty() throws IOException {
    assertThat(ZipArchive.read(file(new ZipWriter().toBytes())).entries()).isEmpty();
  }

  @Test
  void aDeflatedEntryIsReadAtAnyPosition() throws IOException {
    byte[] content = ascii(CONTENT);
    new Random(5).nextBytes(content);
    ZipArchive archive = ZipArchive.read(file(Zips.deflated("x/y", content)));
    ArchiveEntry entry = archive.entry("x/y").orElseThrow();
    assertThat(entry.isStored()).isFalse();
    assertThat(entry.size()).isEqualTo(content.length);
    assertThat(content(archive, "x/y")).isEqualTo(content);
    try (ReadableBytes bytes = archive.open(entry)) {
      assertThat(bytes.name()).isEqualTo("model.zip!/x/y");
      for (int position : new int[] {0, 200_000, 200_010, 7, 299_990, 7}) {
        byte[] part = new byte[10];
        bytes.readFully(position, part, 0, 10);
        assertThat(part).isEqualTo(Arrays.copyOfRange(content, position, position + 10));
      }
      assertThatThrownBy(() -> bytes.readFully(299_991, new byte[10], 0, 10))
          .isInstanceOf(EOFException.class)
          .hasMessage("model.zip!/x/y: 10 bytes at 299991 of 300000");
    }
  }

  @Test
  void aStoredEntryEndsWhereItsContentDoes() throws IOException {
    ZipArchive archive = ZipArchive.read(file(Zips.PLAIN));
    try (ReadableBytes bytes = archive.open(archive.entry("a").orElseThrow())) {
      assertThat(bytes.length()).isEqualTo(2);
      assertThatThrownBy(() -> bytes.readFully(1, new byte[2], 0, 2))
          .isInstanceOf(EOFException.class)
          .hasMessage("model.zip!/a: 2 bytes at 1 of 2");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {12, 16, 20, 24})
  void anEntryWithADescriptorIsPatchedWithItsChecksums(int descriptorBytes) throws IOException {
    byte[] before = ascii("content");
    byte[] zip = Zips.withDescriptor(before, descriptorBytes);
    ReadableBytes file = file(zip);
    ZipArchive archive = ZipArchive.read(file);
    assertThat(content(archive, "x")).isEqualTo(before);

    ArchiveEntry entry = archive.entry("x").orElseThrow();
    List<ByteChange> changes =
        List.of(
            ByteChange.of(entry.dataOffset() + 1, ascii("0")),
            ByteChange.of(entry.dataOffset() + 5, ascii("!?")));
    List<ByteChange> checksums = archive.checksumChanges(changes);
    assertThat(checksums).hasSize(2).allSatisfy(change -> assertThat(change.length()).isEqualTo(4));

    List<ByteChange> all = new ArrayList<>(changes);
    all.addAll(checksums);
    byte[] patched = bytes(new ChangedBytes(file, all));
    assertThat(content(ZipArchive.read(file(patched)), "x")).isEqualTo(ascii("c0nte!?"));
    // The new CRC-32, and nothing else: the whole file as it is built from scratch.
    assertThat(patched).isEqualTo(Zips.withDescriptor(ascii("c0nte!?"), descriptorBytes));
  }

  @Test
  void anEntryWithItsChecksumBeforeTheDataIsPatchedThere() throws IOException {
    ReadableBytes file = file(Zips.PLAIN);
    ByteChange change = ByteChange.of(Zips.DATA_B, ascii("THERE"));
    List<ByteChange> all = new ArrayList<>(ZipArchive.read(file).checksumChanges(List.of(change)));
    all.add(change);
    ZipWriter expected = new ZipWriter();
    expected.add("a", ascii("hi"));
    expected.add("b", ascii("THERE"));
    assertThat(bytes(new ChangedBytes(file, all))).isEqualTo(expected.toBytes());
  }

  @Test
  void whatIsNotInsideOneStoredEntryIsNotPatched() throws IOException {
    ZipArchive plain = ZipArchive.read(file(Zips.PLAIN));
    for (int offset : new int[] {0, Zips.DATA_A - 1, Zips.DATA_A + 1, Zips.CENTRAL_A}) {
      ByteChange change = ByteChange.of(offset, ascii("xy"));
      assertThatThrownBy(() -> plain.checksumChanges(List.of(change)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("2 bytes at " + offset + " are not inside one stored entry of model.zip");
    }
    ZipArchive deflated = ZipArchive.read(file(Zips.deflated("x", ascii("content"))));
    ByteChange change =
        ByteChange.of(deflated.entry("x").orElseThrow().dataOffset(), new byte[] {1});
    assertThatThrownBy(() -> deflated.checksumChanges(List.of(change)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not inside one stored entry");
  }

  @Test
  void anEntryThatIsBrokenGetsNoNewChecksum() throws IOException {
    ZipArchive broken = ZipArchive.read(file(Zips.with(Zips.PLAIN, Zips.DATA_B + 4, 'E')));
    assertThatThrownBy(
            () -> broken.checksumChanges(List.of(ByteChange.of(Zips.DATA_B, ascii("T")))))
        .hasMessageStartingWith("model.zip at byte 128: ZIP_CRC: CRC-32 of 'b' is 0x");
  }

  @Test
  void namesThatCannotBeReadAreNotWritten() {
    ZipWriter writer = new ZipWriter();
    writer.add("a", new byte[0]);
    assertThatThrownBy(() -> writer.add("a", new byte[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the name 'a' is taken");
    for (String name :
        List.of("", "/a", "../a", "a/..", "a\\b", "a\nb", "C:/a", "\ud800", "n".repeat(65_536))) {
      assertThatThrownBy(() -> writer.add(name, new byte[0]))
          .as(name)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageEndingWith("cannot be that of an entry in a zip");
    }
  }

  private static byte[] bytes(ReadableBytes file) throws IOException {
    byte[] bytes = new byte[(int) file.length()];
    file.readFully(0, bytes, 0, bytes.length);
    return bytes;
  }
}
