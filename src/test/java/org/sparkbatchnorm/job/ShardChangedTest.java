package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.Storage;

/** Files that change between the plan and the reading. */
class ShardChangedTest {
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void write() throws IOException {
    file =
        new Activations()
            .addF32("bn", Activations.shape(4, 1), 1, 2, 3, 4)
            .writeSafetensors(folder.resolve("in/x.safetensors"));
    new Activations()
        .addF32("bn", Activations.shape(4, 1), 5, 6, 7, 8)
        .writeSafetensors(folder.resolve("in/a.safetensors"));
  }

  private ShardScan plan() throws MalformedFileException {
    return ScanStateTest.plan(TestJob.of(folder, folder.resolve("in")));
  }

  /** The same length, so that only the time tells. */
  @Test
  void byItsTime() throws IOException {
    ShardScan scan = plan();
    Files.setLastModifiedTime(
        file, FileTime.fromMillis(Files.getLastModifiedTime(file).toMillis() + 1));
    assertThatThrownBy(scan::run)
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith(file + ": SHARD_CHANGED: the file changed while the job ran");
  }

  @Test
  void byItsLength() throws IOException {
    ShardScan scan = plan();
    FileTime time = Files.getLastModifiedTime(file);
    Files.write(file, new byte[] {0}, StandardOpenOption.APPEND);
    Files.setLastModifiedTime(file, time);
    assertThatThrownBy(scan::run).hasMessageStartingWith(file + ": SHARD_CHANGED: ");
  }

  @Test
  void goneAltogether() throws IOException {
    ShardScan scan = plan();
    Files.delete(file);
    assertThatThrownBy(scan::run)
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith(file + ": IO_NOT_FOUND: ");
  }

  /** Spark reads tables itself; afterwards the files are looked at once more. */
  @Test
  void aTablesFile() throws IOException {
    new Activations()
        .addF32("bn", Activations.shape(4, 1), 1, 2, 3, 4)
        .dataFrame()
        .coalesce(1)
        .write()
        .parquet(folder.resolve("table").toString());
    Storage storage = Storage.of(LocalSpark.context().hadoopConfiguration());
    JobSpec.Input input = TestJob.of(folder, folder.resolve("table")).spec().input();
    InputFiles files = InputFiles.list(storage, input, Set.of());
    files.requireUnchanged(storage, input);
    Path part = Path.of(files.files().get(0).display());
    Files.setLastModifiedTime(
        part, FileTime.fromMillis(Files.getLastModifiedTime(part).toMillis() + 1));
    assertThatThrownBy(() -> files.requireUnchanged(storage, input))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith(part + ": SHARD_CHANGED: ");
    assertThat(Files.exists(part)).isTrue();
  }
}
