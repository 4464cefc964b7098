package org.sparkbatchnorm.format.parquet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.parquet.bytes.DirectByteBufferAllocator;
import org.apache.parquet.column.values.rle.RunLengthBitPackingHybridEncoder;
import org.apache.parquet.io.ParquetDecodingException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What parquet-java encodes, and by hand what it would not write. */
class HybridRunsTest {
  private static final long SEED = 20_260_219;
  private static final int BEGIN = 3;

  static IntStream widths() {
    return IntStream.rangeClosed(0, 32);
  }

  @ParameterizedTest
  @MethodSource("widths")
  void runsAndPackedGroupsOfEveryWidth(int width) {
    System.out.println("seed " + SEED);
    Random random = new Random(SEED + width);
    int[] values = new int[5_000];
    for (int i = 0; i < values.length; ) {
      int value = width == 0 ? 0 : random.nextInt() >>> (32 - width);
      int end = Math.min(values.length, i + (random.nextInt(4) == 0 ? random.nextInt(200) : 1));
      Arrays.fill(values, i, end, value);
      i = end;
    }
    byte[] encoded = encoded(width, values);

    HybridRuns one = runs(width, encoded);
    int[] found = new int[values.length];
    for (int i = 0; i < found.length; ) {
      int run = Math.min(one.run(), found.length - i);
      assertThat(run).isPositive();
      Arrays.fill(found, i, i + run, one.value());
      one.skip(run);
      i += run;
    }
    assertThat(found).isEqualTo(values);

    HybridRuns several = runs(width, encoded);
    for (int i = 0; i < values.length; ) {
      int count = Math.min(1 + random.nextInt(700), values.length - i);
      int[] some = new int[count];
      several.read(some, count);
      assertThat(some).isEqualTo(Arrays.copyOfRange(values, i, i + count));
      i += count;
    }
  }

  private static byte[] encoded(int width, int[] values) {
    try (RunLengthBitPackingHybridEncoder encoder =
        new RunLengthBitPackingHybridEncoder(width, 64, 1024, new DirectByteBufferAllocator())) {
      for (int value : values) {
        encoder.writeInt(value);
      }
      return encoder.toBytes().toInputStream().readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Somewhere in a buffer, the bytes around it being anything. */
  private static HybridRuns runs(int width, byte... encoded) {
    byte[] bytes = new byte[BEGIN + encoded.length + HybridRuns.SLACK];
    Arrays.fill(bytes, (byte) 0xA5);
    System.arraycopy(encoded, 0, bytes, BEGIN, encoded.length);
    return new HybridRuns(
        width,
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN),
        BEGIN,
        BEGIN + encoded.length);
  }

  /** Encodings.md, the example of bit-packing 0 to 7 in 3 bits. */
  @Test
  void theSpecificationsExample() {
    int[] values = new int[8];
    runs(3, (byte) 3, (byte) 0b10001000, (byte) 0b11000110, (byte) 0b11111010).read(values, 8);
    assertThat(values).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
  }

  /** Two groups of eight 1-bit values are declared; the second byte is not there. */
  @Test
  void aLastGroupThatIsCutServesAsFarAsItGoes() {
    HybridRuns runs = runs(1, (byte) 5, (byte) 0xFF);
    int[] values = new int[8];
    runs.read(values, 8);
    assertThat(values).containsOnly(1);
    assertThatThrownBy(runs::value)
        .isInstanceOf(ParquetDecodingException.class)
        .hasMessage("there are fewer values than the page declares");
  }

  @Test
  void emptyRunsArePassedOver() {
    assertThat(runs(2, (byte) 0, (byte) 3, (byte) 1, (byte) 4, (byte) 2).value()).isEqualTo(2);
  }

  @Test
  void whatEndsEarlyOrMakesNoSense() {
    assertThatThrownBy(() -> runs(8).value()).isInstanceOf(ParquetDecodingException.class);
    assertThatThrownBy(() -> runs(9, (byte) 4, (byte) 1).value())
        .hasMessage("there are fewer values than the page declares");
    byte more = (byte) 0x80;
    assertThatThrownBy(() -> runs(1, more, more, more, more, more, more, (byte) 1).value())
        .hasMessage("a run length of more than 32 bits");
    assertThatThrownBy(() -> runs(33)).hasMessage("values of 33 bits");
  }
}
