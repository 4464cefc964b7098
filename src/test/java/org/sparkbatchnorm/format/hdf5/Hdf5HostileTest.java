package org.sparkbatchnorm.format.hdf5;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** Files that lead elsewhere, in circles or beyond, by h5py or by hand. */
class Hdf5HostileTest {
  private static final Set<String> NAME = Set.of("name");

  private static void requireRejected(byte[] file, String message) {
    assertThatThrownBy(() -> Hdf5File.read(ReadableBytes.of("x.h5", file), NAME))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage("x.h5 at byte " + message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "external-link|863: HDF5_EXTERNAL: 'out' is a link into another file",
        "external-link-new|110: HDF5_EXTERNAL: 'out' is a link into another file",
        "external-storage|1156: HDF5_EXTERNAL: the elements of 'd' are in other files",
        "virtual-dataset|277: HDF5_EXTERNAL: a virtual dataset, whose elements are in other files"
            + " or datasets",
        "hard-link-cycle|2892: HDF5_CYCLE: 'a/b/up' and 'a' are the same object",
        "second-name|1140: HDF5_LINK: 'b' and 'a' are the same object",
        "soft-link|1860: HDF5_LINK: 'back' is a soft link; expected groups and datasets alone",
        "soft-link-new|258: HDF5_LINK: 'back' is a soft link; expected groups and datasets alone",
        "deep|14668: HDF5_DEPTH: groups nested deeper than 100",
        "long-name|1840: NAME_TOO_LONG: the names of a local heap: a text of more than 4096 bytes",
        "many-attributes|114: HDF5_UNSUPPORTED: more attributes of one object than its header"
            + " holds",
        "named-type|876: HDF5_UNSUPPORTED: 't' is neither a group nor a dataset",
        "shared-type|1232: HDF5_UNSUPPORTED: a message of type 3 that is kept elsewhere, for"
            + " several objects"
      })
  void filesThatH5pyWrites(String name, String message) throws IOException {
    requireRejected(Golden.bytes(name + ".h5"), message);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tree-old.h5", "tree-latest.h5", "many-ordered.h5", "user-block.h5"})
  void everyTruncation(String name) throws IOException {
    byte[] whole = Golden.bytes(name);
    for (int length = 0; length < whole.length; length += length < 2000 ? 1 : 97) {
      byte[] part = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> Hdf5File.read(ReadableBytes.of("x.h5", part), NAME))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageContaining(length < 2048 ? "HDF5_" : "HDF5_TRUNCATED: the file has");
    }
    requireRejected(
        Arrays.copyOf(whole, whole.length - 1),
        "%d: HDF5_TRUNCATED: the file has %1$d bytes, but says it has %d"
            .formatted(whole.length - 1, whole.length));
  }

  @Test
  void noHdf5File() {
    String message =
        "0: HDF5_SIGNATURE: no HDF5 file: its first bytes, or those after a user block, are not"
            + " 0x89 H D F";
    requireRejected(new byte[0], message);
    requireRejected(new byte[1 << 20], message);
    requireRejected("PK\3\4 and so on".getBytes(StandardCharsets.US_ASCII), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "8|9|8: HDF5_UNSUPPORTED: superblock of version 9, expected 0 to 3",
        "13|4|15: HDF5_UNSUPPORTED: offsets of 4 and lengths of 8 bytes, expected 8",
        "24|8|0: HDF5_INVALID: the superblock stands at 0, but says it does at 8",
        "48|0|56: HDF5_EXTERNAL: the file is one of several that belong together",
        "64|1|97: HDF5_UNSUPPORTED: object header of version 0, expected 1"
      })
  void superblocksThatAreNone(int offset, int value, String message) throws IOException {
    byte[] bytes = Golden.bytes("second-name.h5");
    ByteBuffer file = fields(bytes);
    switch (offset) {
      case 48 -> file.putLong(offset, value);
      // The root group's object header, one byte on.
      case 64 -> file.putLong(64, file.getLong(64) + value);
      default -> file.put(offset, (byte) value);
    }
    requireRejected(bytes, message);
  }

  @Test
  void everyByteOfAStructureWithAChecksum() throws IOException {
    byte[] file = Golden.bytes("many-ordered.h5");
    byte[] signature = {'O', 'H', 'D', 'R'};
    int header = indexOf(file, signature, 0);
    for (int i = header + 4; i < header + 60; i++) {
      file[i] ^= 1;
      assertThatThrownBy(() -> Hdf5File.read(ReadableBytes.of("x.h5", file), NAME))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageContaining("HDF5_");
      file[i] ^= 1;
    }
    file[header + 20] ^= 1;
    assertThatThrownBy(() -> Hdf5File.read(ReadableBytes.of("x.h5", file), NAME))
        .hasMessageContaining("HDF5_CHECKSUM: object header: checksum ");
  }

  @Test
  void shapesBeyondAllNumbers() throws IOException {
    byte[] bytes = Golden.bytes("tree-old.h5");
    ByteBuffer file = fields(bytes);
    byte[] axes =
        ByteBuffer.allocate(16)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(1 << 20)
            .putLong(1 << 20)
            .array();
    int at = indexOf(bytes, axes, 0);
    file.putLong(at, 1L << 31).putLong(at + 8, 1L << 32);
    requireRejected(
        bytes,
        at
            - 8
            + ": SIZE_OVERFLOW: axis lengths [2147483648, 4294967296] multiply to more than"
            + " 2^63 - 1");
    file.putLong(at + 8, 1L << 31);
    assertThatThrownBy(() -> Hdf5File.read(ReadableBytes.of("x.h5", bytes), NAME))
        .hasMessageContaining(
            "SIZE_OVERFLOW: the size of 'shapes/unwritten' exceeds 2^63 - 1 bytes");
    file.putLong(at + 8, -1);
    requireRejected(
        bytes,
        at
            + 8
            + ": SIZE_OVERFLOW: object header: a length of 18446744073709551615 exceeds 2^63 - 1");
    file.putLong(at + 8, 1L << 21).putLong(at, 1 << 20);
    assertThatThrownBy(() -> Hdf5File.read(ReadableBytes.of("x.h5", bytes), NAME))
        .hasMessageContaining(
            "SIZE_MISMATCH: shape and type take 8796093022208 bytes, but there are 4398046511104");
    // The number of axes.
    file.put(at - 7, (byte) 33);
    requireRejected(bytes, at - 8 + ": RANK_TOO_LARGE: a shape of 33 axes, expected at most 32");
  }

  @Test
  void elementsThatLieElsewhere() throws IOException {
    byte[] original = Golden.bytes("tree-old.h5");
    Hdf5File read = Hdf5File.read(ReadableBytes.of("x.h5", original), NAME);
    long first = offset(read, "types/f4");
    long second = offset(read, "types/f8");
    byte[] bytes = original.clone();
    ByteBuffer file = fields(bytes);
    byte[] address = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(first).array();
    int at = indexOf(original, address, 0);
    file.putLong(at, second + 4);
    requireRejected(
        bytes, second + 4 + ": OVERLAP: 'types/f4' begins inside the elements of 'types/f8'");
    file.putLong(at, original.length - 8);
    requireRejected(
        bytes,
        "%d: HDF5_TRUNCATED: a dataset of 24 bytes at %d, but the file ends at %1$d"
            .formatted(original.length, original.length - 8));
    file.putLong(at, Long.MAX_VALUE);
    requireRejected(
        bytes,
        "%d: HDF5_TRUNCATED: a dataset of 24 bytes at 9223372036854775807, but the file ends at %1$d"
            .formatted(original.length));
    file.putLong(at, -2);
    requireRejected(
        bytes,
        at
            + ": HDF5_TRUNCATED: object header: an address of 18446744073709551614 lies beyond"
            + " any file");
  }

  @Test
  void treesThatAreTheirOwnChildren() throws IOException {
    byte[] bytes = Golden.bytes("many-old.h5");
    ByteBuffer file = fields(bytes);
    byte[] tree = {'T', 'R', 'E', 'E'};
    int group = indexOf(bytes, tree, indexOf(bytes, tree, 0) + 1);
    int level = file.get(group + 5);
    file.putLong(group + 32, group);
    requireRejected(
        bytes,
        level == 0
            ? group + 4 + ": HDF5_INVALID: no symbol table node, which begins with SNOD"
            : group
                + 8
                + ": HDF5_INVALID: B-tree node of type 0 and level 1, expected type 0 and"
                + " level 0");
    // The same nodes again and again, which is no circle.
    for (int child = 1; child < file.getShort(group + 6); child++) {
      file.putLong(group + 32 + 16 * child, file.getLong(group + 48));
    }
    file.putLong(group + 32, file.getLong(group + 48));
    assertThatThrownBy(() -> Hdf5File.read(ReadableBytes.of("x.h5", bytes), NAME))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageMatching("x.h5 at byte [0-9]+: HDF5_INVALID: a second 'a-rather-long-name-.*'");
  }

  /** A header of 16 MiB that continues with itself: as many bytes as the file has, not more. */
  @ParameterizedTest
  @ValueSource(ints = {1 << 10, 1 << 24})
  void headersThatContinueWithThemselves(int length) throws IOException {
    byte[] original = Golden.bytes("second-name.h5");
    byte[] bytes = Arrays.copyOf(original, original.length + 16 + length);
    ByteBuffer file = fields(bytes);
    file.putLong(40, file.capacity()).putLong(64, original.length);
    file.position(original.length);
    file.putShort((short) 1).putShort((short) 0xffff).putInt(1).putInt(length).putInt(0);
    int start = file.position();
    while (file.remaining() >= 24) {
      // Type, bytes, flags; address, length.
      file.putShort((short) 0x10).putShort((short) 16).putInt(0).putLong(start).putLong(length);
    }
    while (file.remaining() >= 8) {
      file.putLong(0);
    }
    long begin = System.nanoTime();
    assertThatThrownBy(() -> Hdf5File.read(ReadableBytes.of("x.h5", bytes), NAME))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageMatching(
            "x.h5 at byte [0-9]+: HDF5_(CYCLE: object header continuation shares bytes with others:"
                + " all together exceed the [0-9]+ of the file|INVALID: object header of 65535"
                + " messages, but it holds 65535)");
    assertThat(System.nanoTime() - begin).isLessThan(2_000_000_000L);
  }

  private static long offset(Hdf5File file, String path) {
    return file.datasets().stream()
        .filter(dataset -> dataset.path().equals(path))
        .findFirst()
        .orElseThrow()
        .offset();
  }

  private static ByteBuffer fields(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static int indexOf(byte[] bytes, byte[] searched, int from) {
    for (int i = from; i <= bytes.length - searched.length; i++) {
      if (Arrays.equals(bytes, i, i + searched.length, searched, 0, searched.length)) {
        return i;
      }
    }
    throw new IllegalArgumentException("not found");
  }
}
