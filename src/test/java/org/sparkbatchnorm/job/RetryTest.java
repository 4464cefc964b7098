package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;

/** Reading that fails in the middle of a file; the session tries each task three times. */
class RetryTest {
  private static final long SEED = 99;
  private static final String ALL = "statistics.estimator=pooled-unbiased,paper,moving-average";

  @TempDir private Path folder;
  private RunReport expected;
  private String flaky;

  @BeforeEach
  void write() throws IOException {
    FlakyFileSystem.failFirst(0);
    Path file = Activations.random(SEED).writeSafetensors(folder.resolve("one.safetensors"));
    expected = TestJob.of(folder, file, ALL).run();
    flaky = "flaky:" + file;
  }

  @AfterEach
  void heal() {
    FlakyFileSystem.failFirst(0);
  }

  /** Two attempts end after some values were counted, then a third one succeeds. */
  @ParameterizedTest
  @ValueSource(strings = {"4KiB", "1MiB"})
  void whatATaskCountedBeforeItFailedIsNotCountedTwice(String splitSize) throws IOException {
    FlakyFileSystem.failFirst(2);
    RunReport report = TestJob.of(folder, flaky, ALL, "input.split-size=" + splitSize).run();
    assertThat(FlakyFileSystem.streamsOf("one.safetensors")).isGreaterThan(2);
    Statistics.assertSame(report, expected);
  }

  @Test
  void aFailureThatLastsNamesTheFile() {
    FlakyFileSystem.failFirst(Integer.MAX_VALUE);
    assertThatThrownBy(() -> TestJob.of(folder, flaky, ALL).run())
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(flaky + ": IO_READ: the line went dead");
    assertThat(FlakyFileSystem.streamsOf("one.safetensors")).isEqualTo(3);
  }

  /** Of several files in a split, the one that failed is named, not the first one. */
  @Test
  void theFileThatFailedIsNamed() throws IOException {
    new Activations()
        .addF32("bn/0", Activations.shape(2, 1), 1, 2)
        .addF32("bn/1", Activations.shape(2000, 1), new double[2000])
        .writeNpy(folder.resolve("npy"));
    FlakyFileSystem.failFirst(Integer.MAX_VALUE);
    FlakyFileSystem.spare("0.npy");
    assertThatThrownBy(() -> TestJob.of(folder, "flaky:" + folder.resolve("npy")).run())
        .hasMessage("flaky:" + folder.resolve("npy/bn/1.npy") + ": IO_READ: the line went dead");
  }
}
