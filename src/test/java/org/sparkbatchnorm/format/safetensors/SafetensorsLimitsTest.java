package org.sparkbatchnorm.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sparkbatchnorm.format.safetensors.Files.entry;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** Large headers are answered quickly, and before much of them is held. */
@Timeout(60)
class SafetensorsLimitsTest {
  private static final int TENSORS_OFFSET = 8;

  @Test
  void millionTensorsAreRefusedAfterAHundredThousand() {
    StringBuilder json = new StringBuilder("{");
    for (int i = 0; i < 1_000_000; i++) {
      json.append(entry(Integer.toString(1_000_000 + i), "F32", "[0]", "[0,0]")).append(',');
    }
    json.setCharAt(json.length() - 1, '}');
    int entryBytes = entry("1000000", "F32", "[0]", "[0,0]").length() + 1;

    ReadableBytes file = Files.file(json.toString(), 0);
    long start = System.nanoTime();
    assertThatThrownBy(() -> SafetensorsHeader.read(file))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            Files.NAME
                + " at byte "
                + (TENSORS_OFFSET + 1 + 100_000 * entryBytes)
                + ": TOO_MANY_TENSORS: more than 100000 tensors in one file");
    assertThat(System.nanoTime() - start).isLessThan(2_000_000_000L);
  }

  @Test
  void hundredThousandTensorsAreAccepted() throws IOException {
    StringBuilder json = new StringBuilder("{");
    for (int i = 0; i < 100_000; i++) {
      json.append(entry("layer" + i, "U8", "[1]", "[" + i + "," + (i + 1) + "]")).append(',');
    }
    json.setCharAt(json.length() - 1, '}');
    SafetensorsHeader header = SafetensorsHeader.read(Files.file(json.toString(), 100_000));
    assertThat(header.tensors()).hasSize(100_000);
    assertThat(header.tensors().get(99_999).name()).isEqualTo("layer99999");
  }

  @Test
  void nameMayHave65536BytesAndNoMore() throws IOException {
    String longest = "\u00e9".repeat(32_768);
    SafetensorsHeader header =
        SafetensorsHeader.read(Files.file("{" + entry(longest, "U8", "[0]", "[0,0]") + "}", 0));
    assertThat(header.tensors().get(0).name()).isEqualTo(longest);

    assertThatThrownBy(
            () ->
                SafetensorsHeader.read(
                    Files.file("{" + entry(longest + "x", "U8", "[0]", "[0,0]") + "}", 0)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(Files.NAME + " at byte 9: NAME_TOO_LONG: a string longer than 65536 bytes");
  }

  @Test
  void keyOf20MegabytesIsRefusedBeforeItIsHeld() {
    ReadableBytes file = repeated("{\"", (byte) 'k', 20_000_000);
    long before = allocatedBytes();
    assertThatThrownBy(() -> SafetensorsHeader.read(file))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage("made up at byte 9: NAME_TOO_LONG: a string longer than 65536 bytes");
    // One chunk of 1 MiB, the name's buffer of at most 128 KiB and its halves, the exception.
    assertThat(allocatedBytes() - before).isLessThan(3L << 20);
  }

  @Test
  void metadataOf90MegabytesAreRefusedWithinTheirLimit() {
    assertThatThrownBy(
            () ->
                SafetensorsHeader.read(
                    repeated("{\"__metadata__\":{\"k\":\"", (byte) 'v', 90_000_000)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage("made up at byte 29: METADATA: a string longer than 16777216 bytes");
  }

  @Test
  void metadataKeysAreLimitedTogether() {
    String half = "v".repeat(9 << 20);
    String json = "{\"__metadata__\":{\"a\":\"%s\",\"b\":\"%s\"}}".formatted(half, half);
    assertThatThrownBy(() -> SafetensorsHeader.read(Files.file(json, 0)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining(
            ": METADATA: __metadata__ holds more than 16777216 bytes or 100000 keys");

    StringBuilder keys = new StringBuilder("{\"__metadata__\":{");
    for (int i = 0; i <= 100_000; i++) {
      keys.append('"').append(i).append("\":\"\",");
    }
    assertThatThrownBy(() -> SafetensorsHeader.read(Files.file(keys.toString(), 0)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining(
            ": METADATA: __metadata__ holds more than 16777216 bytes or 100000 keys");
  }

  @Test
  void headerOf90MegabytesOfWhiteSpaceTakesOneChunk() throws IOException {
    ReadableBytes file = repeated("{}", (byte) ' ', 90_000_000);
    long before = allocatedBytes();
    assertThat(SafetensorsHeader.read(file).tensors()).isEmpty();
    assertThat(allocatedBytes() - before).isLessThan(2L << 20);
  }

  @Test
  void shapeWithAMillionAxesIsRefusedAtThe33rd() {
    String json = "{\"a\":{\"shape\":[" + "1,".repeat(1_000_000);
    assertThatThrownBy(() -> SafetensorsHeader.read(Files.file(json, 0)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(Files.NAME + " at byte 87: RANK_TOO_LARGE: shape of 'a' has more than 32 axes");
  }

  private static long allocatedBytes() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean())
        .getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  /** A file whose header is these characters and then one byte over and over, held nowhere. */
  private static ReadableBytes repeated(String start, byte rest, int headerBytes) {
    byte[] head = Files.bytes(start.getBytes(StandardCharsets.UTF_8), 0);
    ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).putLong(headerBytes);
    return new ReadableBytes() {
      @Override
      public String name() {
        return "made up";
      }

      @Override
      public long length() {
        return 8L + headerBytes;
      }

      @Override
      public void readFully(long position, byte[] destination, int offset, int count) {
        Arrays.fill(destination, offset, offset + count, rest);
        for (long at = position; at < Math.min(head.length, position + count); at++) {
          destination[(int) (offset + at - position)] = head[(int) at];
        }
      }

      @Override
      public void close() {}
    };
  }
}
