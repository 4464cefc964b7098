package org.sparkbatchnorm.format.hdf5;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.ReaderFuzz;

/**
 * Files of h5py with bytes and whole fields changed; where structures have checksums, they are made
 * right again, or nothing behind them would ever be read.
 */
class Hdf5FuzzTest {
  private static final String[] FILES = {
    "tree-old.h5", "tree-latest.h5", "many-ordered.h5", "many-old.h5", "many-new.h5"
  };
  private static final String[] CHECKED = {"OHDR", "OCHK", "FRHP", "FHIB", "BTHD", "BTLF", "BTIN"};
  private static final String[] STRUCTURES = {"TREE", "SNOD", "HEAP", "GCOL", "FHDB"};
  private static final byte[] SUPERBLOCK = {(byte) 0x89, 'H', 'D', 'F'};
  private static final int LONGEST = 4096;

  private static final List<Original> ORIGINALS = new ArrayList<>();

  /** Bytes from {@code start} to {@code end}, the last four of which are their checksum. */
  private record Extent(int start, int end) {}

  /** A file, where its structures begin, and which of them have checksums. */
  private static final class Original {
    private final byte[] bytes;
    private final List<Integer> starts;
    private final List<Extent> checked;

    private Original(byte[] bytes, List<Integer> starts, List<Extent> checked) {
      this.bytes = bytes;
      this.starts = starts;
      this.checked = checked;
    }

    static Original of(byte[] bytes) {
      List<Integer> starts = new ArrayList<>(List.of(0));
      List<Extent> checked = new ArrayList<>();
      for (int i = 0; i < bytes.length - 4; i++) {
        String word = new String(bytes, i, 4, StandardCharsets.ISO_8859_1);
        boolean mayBeChecked =
            List.of(CHECKED).contains(word) || (i == 0 && bytes[8] >= 2 && bytes[1] == 'H');
        if (mayBeChecked || List.of(STRUCTURES).contains(word)) {
          starts.add(i);
        }
        for (int end = i + 8; mayBeChecked && end < Math.min(bytes.length, i + LONGEST); end++) {
          if (ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(end - 4)
              == hash(bytes, i, end - 4)) {
            checked.add(new Extent(i, end));
            break;
          }
        }
      }
      return new Original(bytes, starts, checked);
    }

    private static int hash(byte[] bytes, int from, int to) {
      return Lookup3.hash(
          ByteBuffer.wrap(bytes, from, to - from).slice().order(ByteOrder.LITTLE_ENDIAN),
          to - from);
    }

    byte[] mutant(Random random) {
      byte[] mutant = bytes.clone();
      ByteBuffer fields = ByteBuffer.wrap(mutant).order(ByteOrder.LITTLE_ENDIAN);
      for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
        int start = starts.get(random.nextInt(starts.size()));
        int at = Math.min(mutant.length - 8, start + random.nextInt(200));
        switch (random.nextInt(5)) {
          case 0 -> mutant[at] = (byte) random.nextInt(256);
          case 1 -> mutant[at] ^= (byte) (1 << random.nextInt(8));
          // An address of something that is there.
          case 2 -> fields.putLong(at & ~7, starts.get(random.nextInt(starts.size())));
          case 3 -> fields.putLong(at, fields.getLong(at) + random.nextInt(64) - 32);
          default -> fields.putInt(at, random.nextInt(4) == 0 ? -1 : random.nextInt(1 << 16));
        }
      }
      if (random.nextInt(10) > 0) {
        for (Extent extent : checked) {
          fields.putInt(extent.end - 4, hash(mutant, extent.start, extent.end - 4));
        }
      }
      return random.nextInt(20) == 0 ? ReaderFuzz.withBytesMoved(mutant, random) : mutant;
    }
  }

  @Test
  void readerOnlyEverAcceptsOrRejects() throws IOException {
    ORIGINALS.clear();
    for (String name : FILES) {
      ORIGINALS.add(Original.of(Golden.bytes(name)));
    }
    assertThat(ORIGINALS.get(1).checked).hasSizeGreaterThan(20);
    assertThat(ORIGINALS.get(1).bytes).startsWith(SUPERBLOCK);
    ReaderFuzz.run(
        "hdf5",
        // The large ones seldom.
        random ->
            ORIGINALS
                .get(random.nextInt(random.nextInt(20) == 0 ? ORIGINALS.size() : 3))
                .mutant(random),
        Hdf5FuzzTest::check);
  }

  private static void check(ReadableBytes file) throws IOException {
    Hdf5File read = Hdf5File.read(file, Set.of("name"));
    Set<String> paths = new HashSet<>();
    read.groups().forEach(group -> assertThat(paths.add(group.path())).isTrue());
    for (Hdf5Dataset dataset : read.datasets()) {
      assertThat(paths.add(dataset.path())).isTrue();
      if (dataset.offset() != MalformedFileException.NO_OFFSET) {
        assertThat(dataset.bytes()).isBetween(0L, file.length());
        assertThat(dataset.offset()).isBetween(0L, file.length() - dataset.bytes());
      }
    }
  }
}
