package org.sparkbatchnorm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.IoFailure;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.storage.StoredInput;

/** Listing and reading on a real HDFS, and what is denied to another user. */
@ExtendWith(LoopbackHdfs.Provider.class)
class HdfsInputTest {
  private static LoopbackHdfs hdfs;
  private static FileSystem fileSystem;
  private static Storage storage;

  private LoopbackHdfs.Folder folder;

  @BeforeAll
  static void start(LoopbackHdfs shared) throws IOException {
    hdfs = shared;
    fileSystem = hdfs.fileSystem();
    storage = Storage.of(hdfs.configuration());
  }

  @BeforeEach
  void enter(LoopbackHdfs.Folder empty) {
    folder = empty;
  }

  private List<String> listed(String... inputs) throws MalformedFileException {
    return storage.list(Arrays.stream(inputs).map(folder::uri).toList()).stream()
        .map(StoredFile::name)
        .toList();
  }

  @Test
  void filesFoldersAndGlobsAreListed() throws IOException {
    for (String name :
        List.of("1/a.npy", "2/deep/b.npy", "2/_temporary/c.npy", ".d.npy", "e f%20[1].npy")) {
      folder.write(name, name);
    }
    assertThat(listed("")).containsExactly("1/a.npy", "2/deep/b.npy", "e f%20[1].npy");
    assertThat(listed("*/*.npy", "*/deep")).containsExactly("1/a.npy", "2/deep/b.npy");
    assertThat(listed("{1,2/deep}/?.npy")).containsExactly("1/a.npy", "2/deep/b.npy");
    assertThat(listed("2/*/*.npy")).containsExactly("deep/b.npy");
    assertThat(listed("e f%20[1].npy")).containsExactly("e f%20[1].npy");
    assertThat(
            Storage.of(hdfs.configuration())
                .list(List.of(new Path(folder.uri()).toUri().getPath(), folder.uri("1"))))
        .as("the default file system")
        .hasSize(3)
        .allSatisfy(file -> assertThat(file.display()).startsWith(folder.uri() + "/"));
    assertThatThrownBy(() -> listed("*.absent"))
        .hasMessage(
            folder.uri("*.absent")
                + ": IO_NOT_FOUND: the pattern matches no file; wildcards pass over names that"
                + " begin with _ or .");
  }

  @Test
  void whatCannotBeListedHasACode() throws IOException {
    folder.write("a.npy", "a");
    assertThatThrownBy(() -> listed("absent"))
        .hasMessage(
            folder.uri("absent") + ": IO_NOT_FOUND: File does not exist: " + folder.uri("absent"));
    assertThatThrownBy(() -> listed("a.npy/below"))
        .hasMessage(
            folder.uri("a.npy/below")
                + ": IO_NOT_FOUND: File does not exist: "
                + folder.uri("a.npy/below"));
    assertThatThrownBy(() -> listed("12:00"))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith(folder.uri("12:00") + ": PATH: not a usable path: Pathname ");
  }

  @Test
  void aFileIsReadAtAnyPositionAndInSequence() throws IOException {
    StoredFile file = storage.file(folder.write("a.npy", "0123456789"));
    assertThat(file.length()).isEqualTo(10);
    byte[] found = new byte[4];
    try (StoredInput input = storage.open(file)) {
      input.seek(3);
      input.readNext(found, 0, 2);
      input.readFully(8, found, 2, 2);
      assertThat(new String(found, UTF_8)).isEqualTo("3489");
      input.readNext(found, 0, 4);
      assertThat(new String(found, UTF_8)).isEqualTo("5678");
    }
  }

  @Test
  void aFileThatChangedSinceItWasListedIsNotOpened() throws IOException {
    StoredFile file = storage.file(folder.write("a.npy", "01234"));
    folder.write("a.npy", "0123456789");
    assertThatThrownBy(() -> storage.open(file))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith(
            folder.uri("a.npy")
                + ": SHARD_CHANGED: the file changed while the job ran: it has 10 bytes,")
        .hasMessageContaining("but was planned with 5 bytes");
  }

  @Test
  void aFileThatIsDeletedWhileItIsReadIsNoticed() throws IOException {
    StoredFile file = storage.file(folder.write("a.npy", "0123456789"));
    try (StoredInput input = storage.open(file)) {
      input.readNext(new byte[5], 0, 5);
      fileSystem.delete(new Path(file.uri()), false);
      assertNotFound(() -> storage.requireUnchanged(file), file);
    }
    assertNotFound(() -> storage.open(file), file);
  }

  private static void assertNotFound(ThrowingCallable action, StoredFile file) {
    assertThatThrownBy(action)
        .isInstanceOf(IOException.class)
        .satisfies(
            e ->
                assertThat(IoFailure.describe(file.display(), (IOException) e))
                    .hasMessage(file.uri() + ": IO_NOT_FOUND: File does not exist: " + file.uri()));
  }

  @Test
  void whatAnotherUserMayNotReadIsDenied() throws Exception {
    folder.write("secret/a.npy", "a");
    folder.write("readable/a.npy", "a");
    fileSystem.setPermission(new Path(folder.uri("secret")), new FsPermission("700"));
    fileSystem.setPermission(new Path(folder.uri("readable/a.npy")), new FsPermission("600"));
    LoopbackHdfs.asStranger(
        () -> {
          for (String denied : List.of("secret", "secret/a.npy", "secret/*", "*/*", "")) {
            assertThatThrownBy(() -> listed(denied))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageStartingWith(
                    folder.uri(denied)
                        + ": IO_PERMISSION_DENIED: Permission denied: user=stranger, ")
                .hasMessageNotContaining("\n");
          }
          assertThatThrownBy(() -> listed("readable/a.npy/below"))
              .as("seen by one who has to ask for permission")
              .isInstanceOf(MalformedFileException.class)
              .hasMessageStartingWith(folder.uri("readable/a.npy/below") + ": IO_NOT_FOUND: ")
              .hasMessageContaining("a.npy (is not a directory)")
              .hasMessageNotContaining("\n");
          StoredFile file = storage.file(folder.uri("readable/a.npy"));
          assertThatThrownBy(() -> storage.open(file))
              .satisfies(
                  e ->
                      assertThat(IoFailure.describe(file.display(), (IOException) e).getMessage())
                          .startsWith(
                              folder.uri("readable/a.npy")
                                  + ": IO_PERMISSION_DENIED: Permission denied: user=stranger,")
                          .doesNotContain("\n"));
        });
  }
}
