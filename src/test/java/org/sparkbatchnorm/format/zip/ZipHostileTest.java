package org.sparkbatchnorm.format.zip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;
import static org.sparkbatchnorm.format.zip.Zips.CENTRAL_A;
import static org.sparkbatchnorm.format.zip.Zips.CENTRAL_B;
import static org.sparkbatchnorm.format.zip.Zips.DATA_A;
import static org.sparkbatchnorm.format.zip.Zips.DATA_B;
import static org.sparkbatchnorm.format.zip.Zips.END;
import static org.sparkbatchnorm.format.zip.Zips.LOCAL_B;
import static org.sparkbatchnorm.format.zip.Zips.PLAIN;
import static org.sparkbatchnorm.format.zip.Zips.ascii;
import static org.sparkbatchnorm.format.zip.Zips.file;
import static org.sparkbatchnorm.format.zip.Zips.inserted;
import static org.sparkbatchnorm.format.zip.Zips.with;

import java.io.IOException;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** Every violation has its code, the byte where it shows, and a sentence on found and expected. */
class ZipHostileTest {
  private static final byte[] TORCH = Zips.withDescriptor(ascii("content"), 16);
  private static final int TORCH_DATA = 31;
  private static final int TORCH_DIRECTORY = 31 + 7 + 16;
  private static final int TORCH_ZIP64_END = TORCH_DIRECTORY + 46 + 1 + 28;
  private static final int TORCH_LOCATOR = TORCH_ZIP64_END + 56;
  private static final int TORCH_END = TORCH_LOCATOR + 20;

  @ParameterizedTest(name = "{1} {2} {3}")
  @MethodSource({"ends", "zip64Ends", "directories", "names", "methods", "records", "descriptors"})
  void isRejected(byte[] zip, String code, long offset, String reason) {
    assertThatThrownBy(() -> ZipArchive.read(file(zip)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage("model.zip at byte " + offset + ": " + code + ": " + reason);
  }

  static Stream<Arguments> ends() {
    String magic = ", but a zip begins with P K 0x03 0x04";
    String truncated = " bytes and does not end with the end of a zip's directory, which takes 22";
    return Stream.of(
        arguments(ascii("pickle"), "ZIP_MAGIC", 0, "byte 0x70" + magic),
        arguments(ascii("PKWARE"), "ZIP_MAGIC", 2, "byte 0x57" + magic),
        arguments(new byte[0], "ZIP_TRUNCATED", 0, "the file has 0" + truncated),
        arguments(ascii("PK\3\4"), "ZIP_TRUNCATED", 4, "the file has 4" + truncated),
        arguments(
            Arrays.copyOf(PLAIN, PLAIN.length - 1),
            "ZIP_TRUNCATED",
            PLAIN.length - 1,
            "the file has " + (PLAIN.length - 1) + truncated),
        arguments(Arrays.copyOf(PLAIN, END), "ZIP_TRUNCATED", END, "the file has 227" + truncated),
        arguments(
            Arrays.copyOf(PLAIN, PLAIN.length + 3),
            "ZIP_TRAILING_BYTES",
            PLAIN.length,
            "3 bytes after the end of the zip, expected none"),
        arguments(
            with(Arrays.copyOf(PLAIN, PLAIN.length + 3), END + 20, 3),
            "ZIP_TRAILING_BYTES",
            PLAIN.length,
            "3 bytes after the end of the zip, expected none"),
        arguments(
            with(PLAIN, END + 20, 1),
            "ZIP_TRAILING_BYTES",
            PLAIN.length,
            "the end announces a comment that is not there"),
        arguments(
            with(PLAIN, END + 4, 1),
            "ZIP_DIRECTORY",
            END,
            "a part of a split archive, expected one file"),
        arguments(
            with(PLAIN, END + 8, 1), "ZIP_DIRECTORY", END, "1 entries in this file of 2 in all"),
        arguments(
            with(PLAIN, END + 12, 93),
            "ZIP_DIRECTORY",
            END,
            "a directory of 2 entries in 93 bytes at 133 does not end at byte 227, where its end"
                + " begins"),
        arguments(
            with(PLAIN, END + 16, 255, 255, 255, 255),
            "ZIP_DIRECTORY",
            END,
            "a directory of 2 entries in 94 bytes at 4294967295 does not end at byte 227, where its"
                + " end begins"),
        arguments(
            inserted(PLAIN, END, new byte[5]),
            "ZIP_DIRECTORY",
            END + 5,
            "a directory of 2 entries in 94 bytes at 133 does not end at byte 232, where its end"
                + " begins"));
  }

  static Stream<Arguments> zip64Ends() {
    String place = "the zip64 end is not the 56 bytes before its locator";
    return Stream.of(
        arguments(with(TORCH, TORCH_LOCATOR + 8, 1), "ZIP_DIRECTORY", TORCH_LOCATOR, place),
        arguments(with(TORCH, TORCH_LOCATOR + 15, 255), "ZIP_DIRECTORY", TORCH_LOCATOR, place),
        arguments(with(TORCH, TORCH_ZIP64_END, 1), "ZIP_DIRECTORY", TORCH_LOCATOR, place),
        arguments(with(TORCH, TORCH_ZIP64_END + 4, 45), "ZIP_DIRECTORY", TORCH_LOCATOR, place),
        arguments(
            with(TORCH, TORCH_LOCATOR + 16, 2),
            "ZIP_DIRECTORY",
            TORCH_LOCATOR,
            "a part of a split archive, expected one file"),
        arguments(
            with(TORCH, TORCH_ZIP64_END + 24, 2),
            "ZIP_DIRECTORY",
            TORCH_ZIP64_END,
            "2 entries in this file of 1 in all"),
        arguments(
            with(TORCH, TORCH_END + 10, 2),
            "ZIP_DIRECTORY",
            TORCH_END,
            "the end says a directory of 2 entries in 4294967295 bytes at 54, but the zip64 end says"
                + " a directory of 1 entries in 75 bytes at 54"),
        arguments(
            with(TORCH, TORCH_END + 16, 55),
            "ZIP_DIRECTORY",
            TORCH_END,
            "the end says a directory of 1 entries in 4294967295 bytes at 55, but the zip64 end says"
                + " a directory of 1 entries in 75 bytes at 54"),
        arguments(
            with(TORCH, TORCH_ZIP64_END + 55, 128),
            "ZIP_DIRECTORY",
            TORCH_END,
            "the end says a directory of 1 entries in 4294967295 bytes at 54, but the zip64 end says"
                + " a directory of 1 entries in 75 bytes at 9223372036854775862"));
  }

  static Stream<Arguments> directories() {
    return Stream.of(
        arguments(
            with(PLAIN, CENTRAL_B, 0),
            "ZIP_DIRECTORY",
            CENTRAL_B,
            "entry 1 of 2 has no header here"),
        arguments(
            with(PLAIN, END + 8, 3, 0, 3), "ZIP_DIRECTORY", END, "entry 2 of 3 has no header here"),
        arguments(
            with(PLAIN, END + 8, 1, 0, 1),
            "ZIP_DIRECTORY",
            CENTRAL_B,
            "47 bytes after the last of 1 entries"),
        arguments(
            with(PLAIN, CENTRAL_B + 32, 1),
            "ZIP_DIRECTORY",
            CENTRAL_B,
            "a header that ends after the directory does"),
        arguments(
            with(PLAIN, CENTRAL_B + 28, 255, 255),
            "ZIP_DIRECTORY",
            CENTRAL_B,
            "a header that ends after the directory does"),
        arguments(
            with(PLAIN, CENTRAL_B + 34, 1),
            "ZIP_DIRECTORY",
            CENTRAL_B,
            "'b' is in another part of a split archive"),
        arguments(
            with(PLAIN, CENTRAL_A + 20, 255, 255, 255, 255),
            "ZIP_EXTRA",
            CENTRAL_A,
            "a number that does not fit 32 bits, and no zip64 field with it"),
        arguments(
            with(TORCH, TORCH_DIRECTORY + 49, 23),
            "ZIP_EXTRA",
            TORCH_DIRECTORY,
            "an extra field that ends after its header does"),
        arguments(
            with(TORCH, TORCH_DIRECTORY + 47, 0x75, 0x70),
            "ZIP_EXTRA",
            TORCH_DIRECTORY,
            "an extra field with a second name, expected one name"),
        arguments(
            with(TORCH, TORCH_DIRECTORY + 58, 255),
            "ZIP_EXTRA",
            TORCH_DIRECTORY,
            "a number in the zip64 field of 18374686479671623687, above 2^63 - 1"));
  }

  static Stream<Arguments> names() {
    String unfit = " is empty, absolute, goes upwards, or holds what no name holds";
    return Stream.of(
        arguments(named("/x.npy"), "ZIP_NAME", 64, "the name '/x.npy'" + unfit),
        arguments(named("../x.npy"), "ZIP_NAME", 64, "the name '../x.npy'" + unfit),
        arguments(named("a/../b"), "ZIP_NAME", 64, "the name 'a/../b'" + unfit),
        arguments(named("a/.."), "ZIP_NAME", 64, "the name 'a/..'" + unfit),
        arguments(named("C:/x"), "ZIP_NAME", 64, "the name 'C:/x'" + unfit),
        arguments(named("..\\x"), "ZIP_NAME", 64, "the name '..\\x'" + unfit),
        arguments(named("a\0b"), "ZIP_NAME", 64, "the name 'a\\u0000b'" + unfit),
        arguments(with(PLAIN, CENTRAL_A + 46, 0xe9), "ZIP_NAME", CENTRAL_A, notText(0)),
        arguments(
            with(with(PLAIN, CENTRAL_B + 46, 0xc0), CENTRAL_B + 9, 8),
            "ZIP_NAME",
            CENTRAL_B,
            notText(1)),
        arguments(
            with(PLAIN, CENTRAL_B + 46, 'a'), "ZIP_DUPLICATE", CENTRAL_B, "second entry 'a'"));
  }

  private static String notText(int entry) {
    return "the name of entry " + entry + " is not ASCII or UTF-8";
  }

  /** One entry whose name is replaced in both headers; its directory begins at byte 64. */
  private static byte[] named(String name) {
    ZipWriter writer = new ZipWriter();
    writer.add("x".repeat(name.length()), new byte[0]);
    byte[] zip = writer.toBytes();
    System.arraycopy(ascii(name), 0, zip, 30, name.length());
    System.arraycopy(ascii(name), 0, zip, 64 + 46, name.length());
    return zip;
  }

  static Stream<Arguments> methods() {
    return Stream.of(
        arguments(with(PLAIN, CENTRAL_A + 8, 1), "ZIP_ENCRYPTED", CENTRAL_A, "'a' is encrypted"),
        arguments(
            with(PLAIN, CENTRAL_A + 8, 0x20),
            "ZIP_FLAGS",
            CENTRAL_A,
            "'a' has flags 0x0020, which are not known"),
        arguments(
            with(PLAIN, CENTRAL_A + 10, 12),
            "ZIP_METHOD",
            CENTRAL_A,
            "'a' is compressed by method 12, expected 0 (stored) or 8 (deflated)"),
        arguments(
            with(PLAIN, CENTRAL_B + 24, 0),
            "ZIP_SIZE",
            CENTRAL_B,
            "'b' is stored, but its 0 bytes take 5 in the file"));
  }

  static Stream<Arguments> records() {
    String overlap = " overlaps what comes before it, or the directory";
    return Stream.of(
        arguments(with(PLAIN, CENTRAL_B + 42, 65), "ZIP_OVERLAP", 65, "'b'" + overlap),
        arguments(with(PLAIN, CENTRAL_B + 42, 0), "ZIP_OVERLAP", 0, "'b'" + overlap),
        arguments(with(PLAIN, CENTRAL_B + 44, 255), "ZIP_OVERLAP", CENTRAL_A, "'b'" + overlap),
        arguments(
            with(with(PLAIN, CENTRAL_B + 20, 200), CENTRAL_B + 24, 200),
            "ZIP_OVERLAP",
            LOCAL_B,
            "'b'" + overlap),
        arguments(
            with(with(PLAIN, CENTRAL_A + 20, 1), CENTRAL_A + 24, 1),
            "ZIP_LOCAL_HEADER",
            0,
            "size 2, not 1, where the directory has 'a'"),
        arguments(with(PLAIN, CENTRAL_B + 42, 67), "ZIP_GAP", LOCAL_B, "1 bytes before 'b'"),
        arguments(with(PLAIN, CENTRAL_A + 42, 1), "ZIP_GAP", 0, "1 bytes before 'a'"),
        arguments(gapBeforeDirectory(), "ZIP_GAP", CENTRAL_A, "3 bytes before the directory"),
        arguments(
            with(PLAIN, LOCAL_B, 0),
            "ZIP_LOCAL_HEADER",
            LOCAL_B,
            "no local header, where the directory has 'b'"),
        arguments(
            with(PLAIN, LOCAL_B + 30, 'c'),
            "ZIP_LOCAL_HEADER",
            LOCAL_B,
            "another name, where the directory has 'b'"),
        arguments(
            with(PLAIN, LOCAL_B + 26, 2),
            "ZIP_LOCAL_HEADER",
            LOCAL_B,
            "name length 2, not 1, where the directory has 'b'"),
        arguments(
            with(PLAIN, LOCAL_B + 6, 8),
            "ZIP_LOCAL_HEADER",
            LOCAL_B,
            "flags 8, not 0, where the directory has 'b'"),
        arguments(
            with(PLAIN, LOCAL_B + 8, 8),
            "ZIP_LOCAL_HEADER",
            LOCAL_B,
            "method 8, not 0, where the directory has 'b'"),
        arguments(
            with(PLAIN, LOCAL_B + 10, 1),
            "ZIP_LOCAL_HEADER",
            LOCAL_B,
            "time 2162689, not 2162688, where the directory has 'b'"),
        arguments(
            with(PLAIN, LOCAL_B + 14, 0, 0, 0, 0),
            "ZIP_LOCAL_HEADER",
            LOCAL_B,
            "CRC-32 0, not " + Zips.crc32(ascii("there")) + ", where the directory has 'b'"),
        arguments(
            with(PLAIN, LOCAL_B + 18, 0),
            "ZIP_LOCAL_HEADER",
            LOCAL_B,
            "stored size 0, not 5, where the directory has 'b'"),
        arguments(
            with(PLAIN, LOCAL_B + 18, 255, 255, 255, 255),
            "ZIP_EXTRA",
            LOCAL_B,
            "a number that does not fit 32 bits, and no zip64 field with it"));
  }

  private static byte[] gapBeforeDirectory() {
    return with(inserted(PLAIN, CENTRAL_A, new byte[3]), END + 3 + 16, CENTRAL_A + 3);
  }

  static Stream<Arguments> descriptors() {
    String expected = ", expected CRC-32 and sizes of 'x' as the directory has them";
    int descriptor = TORCH_DATA + 7;
    return Stream.of(
        arguments(
            with(TORCH, descriptor, 0),
            "ZIP_DESCRIPTOR",
            descriptor,
            "there is something else" + expected),
        arguments(
            with(TORCH, descriptor + 4, 0),
            "ZIP_DESCRIPTOR",
            descriptor,
            "there is something else" + expected),
        arguments(
            with(TORCH, descriptor + 8, 0),
            "ZIP_DESCRIPTOR",
            descriptor,
            "there is something else" + expected),
        arguments(
            with(TORCH, descriptor + 12, 0),
            "ZIP_DESCRIPTOR",
            descriptor,
            "there is something else" + expected),
        arguments(
            with(with(PLAIN, CENTRAL_B + 8, 8), LOCAL_B + 6, 8),
            "ZIP_DESCRIPTOR",
            DATA_B + 5,
            "there are 0 bytes before what follows, expected CRC-32 and sizes of 'b' as the"
                + " directory has them"));
  }

  @Test
  void contentUnlikeItsChecksumIsRejectedWhenAsked() throws IOException {
    ZipArchive stored = ZipArchive.read(file(with(PLAIN, DATA_A, 'H')));
    stored.requireIntact(stored.entry("b").orElseThrow());
    assertThatThrownBy(() -> stored.requireIntact(stored.entry("a").orElseThrow()))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "model.zip at byte 64: ZIP_CRC: CRC-32 of 'a' is 0x4d170e0e, but the archive says"
                + " 0xd8932aac");
  }

  @Test
  void deflatedDataMustBeWhatTheDirectorySays() {
    byte[] zip = Zips.deflated("x", ascii("to be or not to be, to be or not to be"));
    int data = 31;
    int central = zip.length - 22 - 47;
    String declared = ", the directory says 38 in " + zip[central + 20];
    assertThatThrownBy(() -> check(with(zip, data, 7)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "model.zip at byte 31: ZIP_DEFLATE: 'x' is not deflated data: invalid block type"
                + declared);
    // One byte more or less than there is, in the descriptor and in the directory.
    for (int wrong : new int[] {37, 39}) {
      byte[] lying = with(with(zip, central + 24, wrong), central - 4, wrong);
      assertThatThrownBy(() -> check(lying))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageStartingWith("model.zip at byte 31: ZIP_SIZE: 'x' has ")
          .hasMessageContaining(wrong == 37 ? "more than 37 bytes" : "has 38 bytes");
    }
    byte[] cut = shortened(zip, central, -1);
    assertThatThrownBy(() -> check(cut)).hasMessageContaining("ZIP_DEFLATE: 'x' has no end in its");
    byte[] longer = shortened(zip, central, 1);
    assertThatThrownBy(() -> check(longer))
        .hasMessageContaining("ZIP_DEFLATE: 'x' ends before its");
  }

  /** One byte of data more or less, and all that is said of it. */
  private static byte[] shortened(byte[] zip, int central, int difference) {
    int descriptor = central - 16;
    byte[] result = Arrays.copyOf(zip, zip.length + difference);
    System.arraycopy(zip, descriptor, result, descriptor + difference, zip.length - descriptor);
    result[descriptor + difference + 8] += (byte) difference;
    result[central + difference + 20] += (byte) difference;
    result[zip.length + difference - 6] += (byte) difference;
    return result;
  }

  private static void check(byte[] zip) throws IOException {
    ZipArchive archive = ZipArchive.read(file(zip));
    for (ArchiveEntry entry : archive.entries()) {
      archive.requireIntact(entry);
    }
  }

  /** Ten bytes declared, and a million zeros in a thousand bytes. */
  @Test
  void aBombIsNotInflatedBeyondWhatItDeclares() throws IOException {
    byte[] zip = Zips.deflated("x", new byte[1 << 20]);
    int central = zip.length - 22 - 47;
    byte[] bomb = with(with(zip, central + 24, 10, 0, 0, 0), central - 4, 10, 0, 0, 0);
    ZipArchive archive = ZipArchive.read(file(bomb));
    ArchiveEntry entry = archive.entry("x").orElseThrow();
    assertThatThrownBy(() -> archive.requireIntact(entry))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("ZIP_SIZE: 'x' has more than 10 bytes");
    try (ReadableBytes content = archive.open(entry)) {
      assertThat(content.length()).isEqualTo(10);
    }
  }

  @Test
  void aMillionEntriesAreTooMany() {
    byte[] zip =
        with(TORCH, TORCH_ZIP64_END + 24, 0x40, 0x42, 0x0f, 0, 0, 0, 0, 0, 0x40, 0x42, 0x0f);
    byte[] million = with(zip, TORCH_END + 8, 255, 255, 255, 255);
    assertThatThrownBy(() -> ZipArchive.read(file(million)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "model.zip at byte "
                + TORCH_ZIP64_END
                + ": ZIP_TOO_MANY_ENTRIES: 1000000 entries, expected at most 100000");
  }

  @Test
  void aDirectoryOfManyMegabytesIsNotHeld() {
    int extra = 34 << 20;
    byte[] zip = inserted(PLAIN, END, new byte[extra]);
    int bytes = 94 + extra;
    byte[] large = with(zip, END + extra + 12, bytes, bytes >>> 8, bytes >>> 16, bytes >>> 24);
    assertThatThrownBy(() -> ZipArchive.read(file(large)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "model.zip at byte 133: ZIP_DIRECTORY_TOO_LARGE: directory of 35651678 bytes, expected"
                + " at most 33554432");
  }
}
