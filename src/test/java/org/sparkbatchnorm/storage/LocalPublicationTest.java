package org.sparkbatchnorm.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;

/** Outputs on the local disk: what stands where afterwards, and what is refused. */
class LocalPublicationTest {
  private static final Storage STORAGE = Storage.of(new Configuration());
  private static final byte[] NEW = "new".getBytes(UTF_8);

  @TempDir private Path folder;

  private static Publication publication(Path target, Overwrite overwrite) {
    return STORAGE.publication(target.toString(), overwrite);
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> children = Files.list(folder)) {
      return children.map(child -> child.getFileName().toString()).sorted().toList();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aFileIsWrittenWithItsContentAndNothingElse(Overwrite overwrite) throws IOException {
    Path target = folder.resolve("out.bin");
    publication(target, overwrite).requirePossible();
    publication(target, overwrite).publish(NEW);
    assertThat(target).hasContent("new");
    assertThat(names(folder)).containsExactly("out.bin");
  }

  @Test
  void missingFoldersAreMade() throws IOException {
    Path target = folder.resolve("a/b/c/out.bin");
    Publication publication = publication(target, Overwrite.REFUSE);
    publication.requirePossible();
    assertThat(names(folder)).isEmpty();
    publication.publish(out -> out.write(NEW));
    assertThat(target).hasContent("new");
    assertThat(names(target.getParent())).containsExactly("out.bin");
  }

  /** 255 bytes are the most a name can have; the temporary name must not be longer. */
  @ParameterizedTest
  @ValueSource(ints = {215, 250, 251, 255})
  void theNameMayBeAsLongAsAny(int length) throws IOException {
    String name = "n".repeat(length);
    publication(folder.resolve(name), Overwrite.REFUSE).publish(NEW);
    publication(folder.resolve(name), Overwrite.REPLACE).publish(NEW);
    assertThat(names(folder)).containsExactly(name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"with space", "50%", "a:b", "[1]*?", "back\\slash", "a+b&c#d"})
  void theNameMayHoldWhatAFilesNameMayHold(String name) throws IOException {
    Publication publication = publication(folder.resolve(name), Overwrite.REFUSE);
    publication.requirePossible();
    publication.publish(NEW);
    assertThat(names(folder)).containsExactly(name);
    assertThat(STORAGE.file(folder + "/" + name).length()).isEqualTo(3);
  }

  @Test
  void anExistingFileIsRefused() throws IOException {
    Path target = Files.writeString(folder.resolve("out.bin"), "old");
    assertThatThrownBy(() -> publication(target, Overwrite.REFUSE).requirePossible())
        .isInstanceOf(OutputExistsException.class)
        .hasMessage(target + " exists already; --overwrite replaces it");
    assertThatCode(() -> publication(target, Overwrite.REPLACE).requirePossible())
        .doesNotThrowAnyException();
    assertThat(target).hasContent("old");
  }

  @Test
  void aLinkToNothingIsRefusedAsAFileIs() throws IOException {
    Path target = Files.createSymbolicLink(folder.resolve("out.bin"), Path.of("gone"));
    assertThatThrownBy(() -> publication(target, Overwrite.REFUSE).requirePossible())
        .isInstanceOf(OutputExistsException.class)
        .hasMessage(target + " exists already; --overwrite replaces it");
  }

  @Test
  void aLinkIsReplacedAndWhatItLeadsToStays() throws IOException {
    Path version = Files.writeString(folder.resolve("v1.bin"), "old");
    Path target = Files.createSymbolicLink(folder.resolve("out.bin"), version);
    publication(target, Overwrite.REPLACE).publish(NEW);
    assertThat(target).hasContent("new").isRegularFile();
    assertThat(Files.isSymbolicLink(target)).isFalse();
    assertThat(version).hasContent("old");
  }

  @ParameterizedTest
  @EnumSource
  void aFolderIsRefused(Overwrite overwrite) throws IOException {
    Path target = Files.createDirectories(folder.resolve("out.bin"));
    assertThatThrownBy(() -> publication(target, overwrite).requirePossible())
        .isInstanceOf(OutputExistsException.class)
        .hasMessage(target + " is a folder, but the output is a file");
    assertThatThrownBy(() -> publication(target, overwrite).publish(NEW))
        .isInstanceOf(CommitException.class)
        .hasMessageStartingWith("cannot write " + target + ": ");
    assertThat(target).isEmptyDirectory();
    assertThat(names(folder)).containsExactly("out.bin");
  }

  @Test
  void aFileThatAppearedAfterTheCheckStays() throws IOException {
    Path target = folder.resolve("out.bin");
    Publication publication = publication(target, Overwrite.REFUSE);
    publication.requirePossible();
    try (var out =
        FileSystem.getLocal(new Configuration())
            .create(new org.apache.hadoop.fs.Path(target.toString()))) {
      out.write("theirs".getBytes(UTF_8));
    }
    assertThatThrownBy(() -> publication.publish(NEW))
        .isInstanceOf(CommitException.class)
        .hasMessage("cannot write " + target + ": a file appeared there while the job ran");
    assertThat(target).hasContent("theirs");
    assertThat(names(folder)).as("its checksum too").containsExactly(".out.bin.crc", "out.bin");
  }

  @ParameterizedTest
  @EnumSource
  void badContentLeavesNothingAndIsPassedOn(Overwrite overwrite) throws IOException {
    MalformedFileException bad = new MalformedFileException("in.npy", 7, "CODE", "a reason");
    assertThatThrownBy(
            () ->
                publication(folder.resolve("out.bin"), overwrite)
                    .publish(
                        out -> {
                          out.write(new byte[100_000]);
                          throw bad;
                        }))
        .isSameAs(bad);
    assertThat(names(folder)).isEmpty();
  }

  @Test
  void whatFailsHalfWayLeavesTheOldFile() throws IOException {
    Path target = Files.writeString(folder.resolve("out.bin"), "old");
    Publication publication = publication(target, Overwrite.REPLACE);
    assertThatThrownBy(
            () ->
                publication.publish(
                    out -> {
                      out.write(NEW);
                      throw new IOException("No space left on device\n\tat somewhere");
                    }))
        .isInstanceOf(CommitException.class)
        .hasMessage("cannot write " + target + ": No space left on device");
    assertThatThrownBy(
            () ->
                publication.publish(
                    out -> {
                      out.write(NEW);
                      throw new IllegalStateException("a bug");
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a bug");
    assertThat(target).hasContent("old");
    assertThat(names(folder)).containsExactly("out.bin");
  }

  @ParameterizedTest
  @ValueSource(strings = {"file/out.bin", "file/a/out.bin", "file/a/b/out.bin"})
  void aPlaceBelowAFileIsRefusedEarlyAndLate(String name) throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "old");
    Path target = folder.resolve(name);
    assertThatThrownBy(() -> publication(target, Overwrite.REFUSE).requirePossible())
        .isInstanceOf(CommitException.class)
        .hasMessage(
            "cannot write " + target + ": " + file + " is a file, but a folder is needed there");
    assertThatThrownBy(() -> publication(target, Overwrite.REFUSE).publish(NEW))
        .isInstanceOf(CommitException.class)
        .hasMessageStartingWith("cannot write " + target + ": ")
        .hasMessageContaining("not a directory")
        .hasMessageContaining(file.toString());
    assertThat(file).hasContent("old");
    assertThat(names(folder)).containsExactly("file");
  }

  @Test
  void aPlaceWhereNobodyMayWriteIsRefused() {
    assertThatThrownBy(() -> STORAGE.publication("/proc/out.bin", Overwrite.REPLACE).publish(NEW))
        .isInstanceOf(CommitException.class)
        .hasMessageStartingWith("cannot write /proc/out.bin: ");
  }

  @Test
  void noPathAtAllIsRefused() {
    assertThatThrownBy(() -> STORAGE.publication("a:b", Overwrite.REFUSE).requirePossible())
        .isInstanceOf(CommitException.class)
        .hasMessage(
            "cannot write a:b: not a path or URI: java.net.URISyntaxException: Relative path in"
                + " absolute URI: a:b");
    assertThatThrownBy(
            () -> STORAGE.publication("hdfs://a.invalid/x", Overwrite.REFUSE).requirePossible())
        .isInstanceOf(CommitException.class)
        .hasMessage(
            "cannot write hdfs://a.invalid/x: not a usable path: java.net.UnknownHostException:"
                + " a.invalid");
  }

  /** A path with control characters must not forge a line of the log. */
  @Test
  void namesAreEscapedInMessages() throws IOException {
    Path target = Files.writeString(folder.resolve("a\n\u001b[31mb"), "old");
    assertThatThrownBy(() -> publication(target, Overwrite.REFUSE).requirePossible())
        .hasMessage(folder + "/a\\u000a\\u001b[31mb exists already; --overwrite" + " replaces it");
  }

  /** Hadoop would refuse the new file for the old one's checksum. */
  @ParameterizedTest
  @EnumSource
  void theChecksumOfWhatStoodThereGoesToo(Overwrite overwrite) throws IOException {
    Path target = folder.resolve("out.bin");
    FileSystem hadoop = FileSystem.getLocal(new Configuration());
    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(target.toString());
    try (var out = hadoop.create(path)) {
      out.write("old".getBytes(UTF_8));
    }
    if (overwrite == Overwrite.REFUSE) {
      Files.delete(target);
    }
    assertThat(names(folder)).contains(".out.bin.crc");
    publication(target, overwrite).publish(NEW);
    assertThat(names(folder)).containsExactly("out.bin");
    try (var in = hadoop.open(path)) {
      assertThat(in.readAllBytes()).isEqualTo(NEW);
    }
  }
}
