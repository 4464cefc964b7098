package org.sparkbatchnorm.format.npy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.ReaderFuzz;

/** Files near valid ones. What is accepted must be what would be written for it. */
class NpyFuzzTest {
  private static final String[] TYPES = {
    "'<f4'", "'>f8'", "'|i1'", "'|O'", "[('a', '<f4')]", "'=f2'", "f4", "'<U3'", "\"<u4\""
  };
  private static final int[] WIDTHS = {4, 8, 1, 8, 4, 2, 4, 12, 4};
  private static final String[] ORDERS = {"False", "True", "0", "None"};

  @Test
  void readerOnlyEverAcceptsOrRejects() {
    ReaderFuzz.run("npy", NpyFuzzTest::mutant, NpyFuzzTest::check);
  }

  private static byte[] mutant(Random random) {
    int type = random.nextInt(4) == 0 ? random.nextInt(TYPES.length) : random.nextInt(3);
    int elements = 1;
    StringBuilder shape = new StringBuilder("(");
    for (int rank = random.nextInt(4); rank > 0; rank--) {
      int length = random.nextInt(4);
      elements *= length;
      shape.append(random.nextInt(20) == 0 ? ReaderFuzz.awkwardNumber(random) : length);
      shape.append(random.nextInt(20) == 0 ? "" : ", ");
    }
    List<String> items = new ArrayList<>();
    items.add("'descr': " + TYPES[type]);
    items.add(
        random.nextInt(2),
        "'fortran_order': " + ORDERS[random.nextInt(10) == 0 ? random.nextInt(4) : 0]);
    items.add(random.nextInt(3), "'shape': " + shape + ")");
    if (random.nextInt(20) == 0) {
      items.set(random.nextInt(3), items.get(random.nextInt(3)));
    }
    String header = "{" + String.join(", ", items) + "}" + " ".repeat(random.nextInt(3)) + "\n";
    int extra = random.nextInt(20) == 0 ? random.nextInt(3) - 1 : 0;
    byte[] file =
        NpyFiles.bytes(
            1 + random.nextInt(3),
            header.getBytes(StandardCharsets.US_ASCII),
            Math.max(0, elements * WIDTHS[type] + extra));
    return random.nextInt(3) == 0 ? ReaderFuzz.withBytesMoved(file, random) : file;
  }

  private static void check(ReadableBytes file) throws IOException {
    NpyHeader header = NpyHeader.read(file);
    assertThat(header.dataOffset() + header.shape().elements() * header.dtype().bytes())
        .isEqualTo(file.length());
    byte[] written = header.toBytes();
    byte[] again = new byte[Math.toIntExact(written.length + file.length() - header.dataOffset())];
    System.arraycopy(written, 0, again, 0, written.length);
    NpyHeader reread = NpyHeader.read(ReadableBytes.of("written", again));
    assertThat(reread)
        .isEqualTo(
            NpyHeader.of(header.dtype(), header.byteOrder(), header.order(), header.shape()));
  }
}
