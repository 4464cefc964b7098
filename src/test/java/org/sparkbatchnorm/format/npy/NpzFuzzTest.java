package org.sparkbatchnorm.format.npy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.ReaderFuzz;
import org.sparkbatchnorm.format.zip.ZipWriter;

/** Archives of arrays near valid ones, stored and deflated. What is accepted can be read. */
class NpzFuzzTest {
  private static final String[] TYPES = {"<f4", "<f4", ">f8", "|b1", "<U3", "|O", "<i8", "<x2"};
  private static final int[] WIDTHS = {4, 4, 8, 1, 12, 8, 8, 2};
  private static final String[] NAMES = {
    "bn/mean.npy", "bn/variance.npy", "a.npy", "metadata.npy", "x", ".npy", "../a.npy", "a/.npy"
  };
  private static final String[] TEXTS = {
    "{}", "{\"a\":\"b\"}", "{\"a\":1}", "", "\0", "{\"a\"", "[]"
  };

  @Test
  void readerOnlyEverAcceptsOrRejects() {
    ReaderFuzz.run("npz", NpzFuzzTest::mutant, NpzFuzzTest::check);
  }

  private static byte[] mutant(Random random) {
    ZipWriter stored = new ZipWriter();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream deflated = new ZipOutputStream(bytes)) {
      for (int i = 0; i < NAMES.length; i++) {
        if (random.nextInt(i < 2 ? 8 : 2) == 0) {
          continue;
        }
        byte[] content =
            NAMES[i].startsWith("metadata") && random.nextBoolean()
                ? NpyText.toBytes(TEXTS[random.nextInt(random.nextInt(TEXTS.length) + 1)])
                : array(random);
        if (random.nextInt(6) == 0) {
          content = ReaderFuzz.withBytesMoved(content, random);
        }
        if (i < 6 || random.nextInt(20) == 0) {
          ZipEntry entry = new ZipEntry(NAMES[i]);
          entry.setTimeLocal(LocalDateTime.of(2000, 1, 1, 0, 0));
          deflated.putNextEntry(entry);
          deflated.write(content);
        }
        if (!NAMES[i].contains("..")) {
          stored.add(NAMES[i], content);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    byte[] zip = random.nextBoolean() ? stored.toBytes() : bytes.toByteArray();
    return random.nextInt(6) == 0 ? ReaderFuzz.withBytesMoved(zip, random) : zip;
  }

  private static byte[] array(Random random) {
    int type = random.nextInt(random.nextInt(6) == 0 ? TYPES.length : 3);
    int length = random.nextInt(4);
    String shape = random.nextInt(20) == 0 ? ReaderFuzz.awkwardNumber(random) : length + "";
    String header =
        "{'descr': '%s', 'fortran_order': %s, 'shape': (%s,)}\n"
            .formatted(TYPES[type], random.nextInt(9) == 0 ? "True" : "False", shape);
    return NpyFiles.bytes(1, header.getBytes(StandardCharsets.US_ASCII), length * WIDTHS[type]);
  }

  private static void check(ReadableBytes file) throws IOException {
    NpzFile npz = NpzFile.read(file);
    for (NpzArray array : npz.arrays()) {
      assertThat(array.name()).doesNotContain("..");
      assertThat(array.entry().size())
          .isEqualTo(
              array.header().dataOffset()
                  + array.header().shape().elements() * array.header().dtype().bytes());
      assertThat(NpzFileTest.values(npz, array)).hasSize((int) array.header().shape().elements());
    }
  }
}
