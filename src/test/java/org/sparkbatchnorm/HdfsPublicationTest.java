package org.sparkbatchnorm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.storage.Publication;
import org.sparkbatchnorm.storage.Storage;

/** Outputs on a real HDFS: what stands where afterwards, and what is refused. */
@ExtendWith(LoopbackHdfs.Provider.class)
class HdfsPublicationTest {
  private static final int WRITERS = 8;

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

  private String read(String name) throws IOException {
    return new String(folder.read(name), UTF_8);
  }

  private Publication publication(String name, Overwrite overwrite) {
    return storage.publication(folder.uri(name), overwrite);
  }

  @ParameterizedTest
  @EnumSource
  void aFileIsPublishedAndNothingElse(Overwrite overwrite) throws IOException {
    publication("a/b/out.bin", overwrite).requirePossible();
    publication("a/b/out.bin", overwrite).publish("new".getBytes(UTF_8));
    assertThat(read("a/b/out.bin")).isEqualTo("new");
    publication("long", overwrite).publish(out -> out.write(new byte[3_000_000]));
    assertThat(storage.file(folder.uri("long")).length()).isEqualTo(3_000_000);
    assertThat(folder.names()).containsExactly("a", "long");
  }

  @Test
  void anExistingFileIsRefusedOrReplaced() throws IOException {
    folder.write("out.bin", "old");
    assertThatThrownBy(() -> publication("out.bin", Overwrite.REFUSE).requirePossible())
        .isInstanceOf(OutputExistsException.class)
        .hasMessage(folder.uri("out.bin") + " exists already; --overwrite replaces it");
    assertThatThrownBy(
            () -> publication("out.bin", Overwrite.REFUSE).publish("new".getBytes(UTF_8)))
        .isInstanceOf(CommitException.class)
        .hasMessage(
            "cannot write " + folder.uri("out.bin") + ": a file appeared there while the job ran");
    assertThat(read("out.bin")).isEqualTo("old");
    publication("out.bin", Overwrite.REPLACE).requirePossible();
    publication("out.bin", Overwrite.REPLACE).publish("new".getBytes(UTF_8));
    assertThat(read("out.bin")).isEqualTo("new");
    assertThat(folder.names()).containsExactly("out.bin");
  }

  @ParameterizedTest
  @EnumSource
  void badContentLeavesNothingAndIsPassedOn(Overwrite overwrite) throws IOException {
    folder.write("out.bin", "old");
    MalformedFileException bad = new MalformedFileException("in.npy", 7, "CODE", "a reason");
    for (String name : List.of("out.bin", "other.bin")) {
      assertThatThrownBy(
              () ->
                  publication(name, overwrite)
                      .publish(
                          out -> {
                            out.write(new byte[100_000]);
                            throw bad;
                          }))
          .isSameAs(bad);
    }
    assertThat(read("out.bin")).isEqualTo("old");
    assertThat(folder.names()).containsExactly("out.bin");
  }

  @Test
  void ofManyExclusiveWritersExactlyOneWins() throws Exception {
    CyclicBarrier start = new CyclicBarrier(WRITERS);
    ExecutorService threads = Executors.newFixedThreadPool(WRITERS);
    try {
      List<Future<Boolean>> writers = new ArrayList<>();
      for (int writer = 0; writer < WRITERS; writer++) {
        byte[] content = ("writer " + writer).getBytes(UTF_8);
        writers.add(
            threads.submit(
                () -> {
                  start.await();
                  try {
                    publication("out.bin", Overwrite.REFUSE).publish(content);
                    return true;
                  } catch (CommitException e) {
                    assertThat(e).hasMessageEndingWith(": a file appeared there while the job ran");
                    return false;
                  }
                }));
      }
      List<String> winners = new ArrayList<>();
      for (int writer = 0; writer < WRITERS; writer++) {
        if (writers.get(writer).get(1, TimeUnit.MINUTES)) {
          winners.add("writer " + writer);
        }
      }
      assertThat(winners).containsExactly(read("out.bin"));
      assertThat(folder.names()).containsExactly("out.bin");
    } finally {
      threads.shutdownNow();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFolderOrAPlaceBelowAFileIsRefused(Overwrite overwrite) throws IOException {
    folder.write("file", "old");
    folder.write("folder/file", "old");
    assertThatThrownBy(() -> publication("folder", overwrite).requirePossible())
        .isInstanceOf(OutputExistsException.class)
        .hasMessage(folder.uri("folder") + " is a folder, but the output is a file");
    for (String below : List.of("file/out.bin", "file/a/out.bin")) {
      assertThatThrownBy(() -> publication(below, overwrite).requirePossible())
          .isInstanceOf(CommitException.class)
          .hasMessage(
              "cannot write "
                  + folder.uri(below)
                  + ": "
                  + folder.uri("file")
                  + " is a file, but a folder is needed there");
      assertThatThrownBy(() -> publication(below, overwrite).publish(new byte[1]))
          .isInstanceOf(CommitException.class)
          .hasMessageStartingWith("cannot write " + folder.uri(below) + ": ")
          .hasMessageNotContaining("\n");
    }
    assertThatThrownBy(() -> publication("12:00", overwrite).requirePossible())
        .isInstanceOf(CommitException.class)
        .hasMessageStartingWith(
            "cannot write " + folder.uri("12:00") + ": not a usable path: Pathname ");
    assertThat(read("file")).isEqualTo("old");
    assertThat(folder.names()).containsExactly("file", "folder");
  }

  @ParameterizedTest
  @EnumSource
  void whereAnotherUserMayNotWriteIsDeniedEarlyAndLate(Overwrite overwrite) throws Exception {
    fileSystem.setPermission(new Path(folder.uri()), new FsPermission("755"));
    LoopbackHdfs.asStranger(
        () -> {
          for (String name : List.of("out.bin", "a/b/out.bin")) {
            String start =
                "cannot write "
                    + folder.uri(name)
                    + ": Permission denied: user=stranger, access=WRITE";
            assertThatThrownBy(() -> publication(name, overwrite).requirePossible())
                .isInstanceOf(CommitException.class)
                .hasMessageStartingWith(start)
                .hasMessageNotContaining("\n");
            assertThatThrownBy(() -> publication(name, overwrite).publish(new byte[1]))
                .isInstanceOf(CommitException.class)
                .hasMessageStartingWith(start)
                .hasMessageNotContaining("\n");
          }
        });
    assertThat(folder.names()).isEmpty();
    fileSystem.setPermission(new Path(folder.uri()), new FsPermission("777"));
    LoopbackHdfs.asStranger(
        () -> publication("a/out.bin", overwrite).publish("new".getBytes(UTF_8)));
    assertThat(read("a/out.bin")).isEqualTo("new");
  }
}
