package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One input gives one checkpoint, byte for byte, however it is cut and whatever kernel counts. */
class SameBytesTest {
  private static final long SEED = 3_003;

  /** Can be cut evenly enough into each number of splits below. */
  private static final int ROWS = 3_003;

  /** Float32 [4, 2, 2]. */
  private static final int ROW_BYTES = 4 * 4 * 4;

  @TempDir private Path folder;
  private Path input;

  /** Channels in and out of reach of the vector kernel's fast way. */
  @BeforeEach
  void writeInput() throws IOException {
    System.out.println("SameBytesTest, seed " + SEED);
    Random random = new Random(SEED);
    double[] values = new double[ROWS * ROW_BYTES / 4];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (i / 4 % 4) {
            case 0 -> Math.max(0, random.nextGaussian());
            case 1 -> 1e7 + random.nextGaussian();
            case 2 -> Math.min(Float.MAX_VALUE, Math.exp(20 * random.nextGaussian()));
            default -> Float.MIN_VALUE * (double) random.nextInt(1 << 23);
          };
    }
    input =
        new Activations()
            .addF32("bn", Activations.shape(ROWS, 4, 2, 2), values)
            .writeSafetensors(folder.resolve("in.safetensors"));
  }

  private byte[] run(int splits, String kernel, String estimators) throws IOException {
    int rows = (ROWS + splits - 1) / splits;
    RunReport report =
        TestJob.of(
                folder,
                input,
                "input.split-size=" + rows * ROW_BYTES,
                "statistics.estimator=" + estimators)
            .run(kernel);
    assertThat(report.input().splits()).isEqualTo(splits);
    assertThat(report.kernel()).isEqualTo(kernel);
    return TestJob.checkpointBytes(folder);
  }

  /** The second estimator needs every mini-batch apart, of which a split holds a part. */
  @ParameterizedTest
  @CsvSource({"pooled-unbiased", "'paper,pooled-unbiased'"})
  void splitsAndKernelsDoNotMatter(String estimators) throws IOException {
    byte[] expected = run(1, "vector", estimators);
    for (int splits : new int[] {2, 7, 64, 1_001}) {
      assertThat(run(splits, "vector", estimators)).as("%d splits", splits).isEqualTo(expected);
    }
    for (int splits : new int[] {1, 7, 64}) {
      assertThat(run(splits, "scalar", estimators)).as("%d splits", splits).isEqualTo(expected);
    }
  }
}
