package org.sparkbatchnorm.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * Feeds a reader with generated files for a while. A reader may return, or throw {@link
 * MalformedFileException} or {@link EOFException}; anything else fails the test and names the seed
 * and the input's number. {@code -Dfuzz.seed} and {@code -Dfuzz.millis} override seed and time.
 */
public final class ReaderFuzz {
  private static final long SLOWEST_ALLOWED_NANOS = 2_000_000_000L;

  private ReaderFuzz() {}

  /** What is under test; checks what it returns. */
  @FunctionalInterface
  public interface Reader {
    /** Reads a file. */
    void read(ReadableBytes file) throws IOException;
  }

  /** Makes an input. */
  @FunctionalInterface
  public interface Mutator {
    /** A file, anything from valid to nonsense. */
    byte[] next(Random random);
  }

  /** Runs, and prints seed, number of inputs and outcomes. */
  public static void run(String name, Mutator mutator, Reader reader) {
    long seed = Long.getLong("fuzz.seed", 20_260_101L);
    long nanos = Long.getLong("fuzz.millis", 2_000L) * 1_000_000L;
    Random random = new Random(seed);
    Map<String, Integer> outcomes = new TreeMap<>();
    long inputs = 0;
    long slowest = 0;
    long start = System.nanoTime();
    while (System.nanoTime() - start < nanos) {
      byte[] input = mutator.next(random);
      long begin = System.nanoTime();
      String outcome;
      try {
        reader.read(ReadableBytes.of("fuzz", input));
        outcome = "accepted";
      } catch (MalformedFileException e) {
        assertThat(e.code()).matches("[A-Z0-9_]+");
        assertThat(e.offset()).isBetween(-1L, (long) input.length);
        outcome = e.code();
      } catch (EOFException e) {
        outcome = "end of file";
      } catch (IOException | RuntimeException | Error e) {
        throw new AssertionError(
            name + ": seed " + seed + ", input " + inputs + ": " + Arrays.toString(input), e);
      }
      slowest = Math.max(slowest, System.nanoTime() - begin);
      outcomes.merge(outcome, 1, Integer::sum);
      inputs++;
    }
    System.out.printf(
        "%s: seed %d, %d inputs, slowest %d us, %s%n",
        name, seed, inputs, slowest / 1_000, outcomes);
    assertThat(slowest).isLessThan(SLOWEST_ALLOWED_NANOS);
    // A mutator that is always or never right shows nothing.
    assertThat(outcomes).containsKey("accepted").hasSizeGreaterThan(5);
  }

  /** A number that readers get wrong, as text. */
  public static String awkwardNumber(Random random) {
    String[] numbers = {
      "0",
      "1",
      "-1",
      "-0",
      "2",
      "3",
      "4",
      "8",
      "12",
      "2147483647",
      "2147483648",
      "4294967296",
      "9223372036854775807",
      "9223372036854775808",
      "18446744073709551616",
      "1e3",
      "1.0",
      "01",
      "0x10",
      "+1",
      "NaN",
      "Infinity",
      "true",
      "null",
      "\"4\"",
      "[]",
      "{}",
      "1_000",
      "",
      "-"
    };
    return numbers[random.nextInt(numbers.length)];
  }

  /** A copy with one to three bytes changed, removed, inserted, or a piece repeated. */
  public static byte[] withBytesMoved(byte[] bytes, Random random) {
    byte[] result = bytes;
    for (int changes = 1 + random.nextInt(3); changes > 0 && result.length > 0; changes--) {
      int at = random.nextInt(result.length);
      int end = at + random.nextInt(Math.min(16, result.length - at) + 1);
      result =
          switch (random.nextInt(5)) {
            case 0 -> joined(result, at, new byte[] {(byte) random.nextInt(256)}, at + 1);
            case 1 -> joined(result, at, new byte[0], end);
            case 2 -> joined(result, at, new byte[] {(byte) random.nextInt(256)}, at);
            case 3 -> joined(result, at, Arrays.copyOfRange(result, at, end), at);
            default ->
                joined(
                    result, at, new byte[] {(byte) (result[at] ^ 1 << random.nextInt(8))}, at + 1);
          };
    }
    return result;
  }

  private static byte[] joined(byte[] bytes, int before, byte[] middle, int after) {
    byte[] result = Arrays.copyOf(bytes, before + middle.length + bytes.length - after);
    System.arraycopy(middle, 0, result, before, middle.length);
    System.arraycopy(bytes, after, result, before + middle.length, bytes.length - after);
    return result;
  }
}
