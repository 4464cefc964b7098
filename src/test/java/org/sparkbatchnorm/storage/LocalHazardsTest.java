package org.sparkbatchnorm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * What stands on a local disk besides files and folders, and files that do not stay as they are.
 */
class LocalHazardsTest {
  private static final Storage STORAGE = Storage.of(new Configuration());
  private static final Duration SOON = Duration.ofSeconds(20);

  @TempDir private Path folder;

  private List<String> names(Path input) throws MalformedFileException {
    return STORAGE.list(List.of(input.toString())).stream().map(StoredFile::name).toList();
  }

  private Path run() throws IOException {
    return Files.createDirectories(folder.resolve("run"));
  }

  @Test
  void aSymbolicLinkIsWhatItLeadsToUnderTheLinksName() throws IOException {
    Path blob = Files.writeString(folder.resolve("blob"), "12345");
    Path elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
    Files.writeString(elsewhere.resolve("b.npy"), "1");
    Files.createSymbolicLink(run().resolve("a.npy"), blob);
    Files.createSymbolicLink(run().resolve("sub"), elsewhere);
    assertThat(names(run())).containsExactly("a.npy", "sub/b.npy");
    assertThat(STORAGE.file(run() + "/a.npy").length()).isEqualTo(5);
    Files.createSymbolicLink(folder.resolve("current"), run());
    assertThat(names(folder.resolve("current"))).containsExactly("a.npy", "sub/b.npy");
  }

  /** Two links to one folder, side by side, are two folders; no cycle. */
  @Test
  void aFolderMayBeLinkedTwice() throws IOException {
    Path elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
    Files.writeString(elsewhere.resolve("b.npy"), "1");
    Files.createSymbolicLink(run().resolve("1"), elsewhere);
    Files.createSymbolicLink(run().resolve("2"), elsewhere);
    assertThat(names(run())).containsExactly("1/b.npy", "2/b.npy");
  }

  /** Hadoop follows the link until the system refuses: each file would count 41 times. */
  @Test
  void aCycleOfLinksIsRefused() throws IOException {
    Files.writeString(run().resolve("a.npy"), "1");
    Path below = Files.createDirectories(run().resolve("below"));
    Files.createSymbolicLink(below.resolve("up"), Path.of(".."));
    assertTimeoutPreemptively(
        SOON,
        () ->
            assertThatThrownBy(() -> names(run()))
                .hasMessage(
                    run()
                        + "/below/up: IO_LOOP: a symbolic link leads back to "
                        + run().toRealPath()
                        + ", a folder above it"));
  }

  @Test
  void aFolderOfManyCyclesIsRefusedAtOnce() throws IOException {
    for (int i = 0; i < 10; i++) {
      Files.createSymbolicLink(run().resolve("loop" + i), Path.of("."));
    }
    assertTimeoutPreemptively(
        SOON, () -> assertThatThrownBy(() -> names(run())).hasMessageContaining(": IO_LOOP: "));
  }

  @Test
  void foldersAreFollowedAHundredDeep() throws IOException {
    Path deep = run();
    for (int i = 1; i < 100; i++) {
      deep = deep.resolve("d");
    }
    Files.createDirectories(deep);
    Files.writeString(deep.resolve("a.npy"), "1");
    assertThat(names(run())).containsExactly("d/".repeat(99) + "a.npy");
    Files.createDirectories(deep.resolve("d"));
    assertThatThrownBy(() -> names(run()))
        .hasMessage(run() + "/d".repeat(100) + ": IO_LOOP: folders are nested more than 100 deep");
  }

  /** Hadoop's listing leaves it out: data would be missing without a word. */
  @Test
  void aLinkToNothingIsRefused() throws IOException {
    Files.writeString(run().resolve("a.npy"), "1");
    Path link = Files.createSymbolicLink(run().resolve("b.npy"), Path.of("gone.npy"));
    String message = link + ": IO_NOT_FOUND: a symbolic link to gone.npy, which does not exist";
    assertThatThrownBy(() -> names(run())).hasMessage(message);
    assertThatThrownBy(() -> names(folder.resolve("run/*.npy"))).hasMessage(message);
    assertThatThrownBy(() -> names(folder.resolve("*/b.npy"))).hasMessage(message);
    assertThatThrownBy(() -> names(link)).hasMessage(message);
    assertThatThrownBy(() -> STORAGE.file(link.toString())).hasMessage(message);
    assertThat(names(folder.resolve("run/a*"))).containsExactly("a.npy");
  }

  @Test
  void aPipeIsRefusedWithoutOpeningIt() throws Exception {
    Path pipe = run().resolve("pipe.npy");
    assumeTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0);
    String message =
        pipe + ": NOT_A_REGULAR_FILE: it is a pipe, socket or device, but a file is expected";
    assertTimeoutPreemptively(
        SOON,
        () -> {
          assertThatThrownBy(() -> STORAGE.file(pipe.toString())).hasMessage(message);
          assertThatThrownBy(() -> names(run())).hasMessage(message);
          assertThatThrownBy(() -> names(pipe)).hasMessage(message);
        });
  }

  @Test
  void aDeviceIsRefused() {
    assumeTrue(Files.exists(Path.of("/dev/zero")));
    assertThatThrownBy(() -> STORAGE.file("/dev/zero"))
        .hasMessage(
            "/dev/zero: NOT_A_REGULAR_FILE: it is a pipe, socket or device, but a file is expected");
  }

  /** Standard input is whatever it was connected to: a file is a file, a pipe is none. */
  @Test
  void standardInputIsTakenForWhatItIs() throws IOException {
    Path stdin = Path.of("/dev/stdin");
    assumeTrue(Files.exists(stdin));
    if (Files.isRegularFile(stdin)) {
      assertThat(STORAGE.file("/dev/stdin").length()).isEqualTo(Files.size(stdin));
    } else {
      assertThatThrownBy(() -> STORAGE.file("/dev/stdin"))
          .hasMessage(
              "/dev/stdin: NOT_A_REGULAR_FILE: it is a pipe, socket or device, but a file is"
                  + " expected");
    }
  }

  @Test
  void aFolderIsNoFile() throws IOException {
    assertThatThrownBy(() -> STORAGE.file(run().toString()))
        .hasMessage(run() + ": NOT_A_REGULAR_FILE: it is a folder, but a file is expected");
  }

  @Test
  void aFileThatGrewOrWasTouchedOrDeletedSinceItWasListedIsNotOpened() throws IOException {
    Path path = Files.writeString(folder.resolve("a.npy"), "12345");
    Files.setLastModifiedTime(path, FileTime.fromMillis(1_000_000));
    StoredFile file = STORAGE.file(path.toString());
    Files.setLastModifiedTime(path, FileTime.fromMillis(2_000_000));
    assertThatThrownBy(() -> STORAGE.open(file))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            path
                + ": SHARD_CHANGED: the file changed while the job ran: it has 5 bytes, modified at"
                + " 2000000, but was planned with 5 bytes, modified at 1000000");
    Files.writeString(path, "123456");
    Files.setLastModifiedTime(path, FileTime.fromMillis(1_000_000));
    assertThatThrownBy(() -> STORAGE.open(file))
        .hasMessageContaining("it has 6 bytes, modified at 1000000, but was planned with 5 bytes");
    Files.delete(path);
    assertThatThrownBy(() -> STORAGE.open(file))
        .isInstanceOf(IOException.class)
        .satisfies(
            e ->
                assertThat(IoFailure.describe(file.display(), (IOException) e))
                    .hasMessage(path + ": IO_NOT_FOUND: File file:" + path + " does not exist"));
  }

  @Test
  void aFileThatIsCutWhileItIsReadEndsEarly() throws IOException {
    Path path = Files.write(folder.resolve("a.npy"), new byte[100_000]);
    StoredFile file = STORAGE.file(path.toString());
    try (StoredInput input = STORAGE.open(file)) {
      Files.write(path, new byte[10]);
      assertThatThrownBy(() -> input.readNext(new byte[50_000], 0, 50_000))
          .isInstanceOf(IOException.class)
          .satisfies(
              e ->
                  assertThat(IoFailure.describe(file.display(), (IOException) e).code())
                      .isEqualTo("SHARD_CHANGED"));
      assertThatThrownBy(() -> STORAGE.requireUnchanged(file)).hasMessageContaining("10 bytes");
    }
  }

  /** Written by Hadoop and then by something else: Hadoop's checksum tells, and so do we. */
  @Test
  void aFileUnlikeItsChecksumIsRefusedWithTheWayOut() throws IOException {
    Path path = folder.resolve("a.npy");
    try (var out =
        FileSystem.getLocal(new Configuration())
            .create(new org.apache.hadoop.fs.Path(path.toString()))) {
      out.write(new byte[100]);
    }
    Files.write(path, new byte[] {1, 2, 3});
    StoredFile file = STORAGE.file(path.toString());
    try (StoredInput input = STORAGE.open(file)) {
      assertThatThrownBy(() -> input.readNext(new byte[3], 0, 3))
          .isInstanceOf(IOException.class)
          .satisfies(
              e -> {
                assertThat(IoFailure.isFinal((IOException) e)).isTrue();
                assertThat(IoFailure.describe(file.display(), (IOException) e).getMessage())
                    .startsWith(path + ": IO_CHECKSUM: Checksum error: file:" + path + " at 0 ")
                    .endsWith(
                        "; where the file was rewritten on purpose, delete the .crc file beside"
                            + " it");
              });
    }
  }

  @Test
  void positionedReadsBeyondTheEndFail() throws IOException {
    Path path = Files.writeString(folder.resolve("a.npy"), "12345");
    try (StoredInput input = STORAGE.open(STORAGE.file(path.toString()))) {
      byte[] read = new byte[4];
      input.readFully(2, read, 1, 3);
      assertThat(read).containsExactly(0, '3', '4', '5');
      input.seek(1);
      input.readNext(read, 0, 2);
      assertThat(read).containsExactly('2', '3', '4', '5');
      assertThatThrownBy(() -> input.readFully(3, read, 0, 3))
          .hasMessage("3 bytes at 3 of a file of 5 bytes");
    }
  }
}
