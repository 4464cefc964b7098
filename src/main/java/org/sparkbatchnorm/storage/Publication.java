package org.sparkbatchnorm.storage;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.UUID;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * Puts a small file in its place: written under a temporary name in the same folder (a name that
 * listings skip), read back and compared, then moved. At every moment a reader finds the old file,
 * the new one, or none.
 *
 * <p>Local disk: {@code CREATE_NEW}, {@code fsync}, then an atomic move, or a hard link where
 * nothing may be replaced. Object stores with atomic PUT (s3a): straight to the final key. Any
 * other, HDFS among them: {@code hsync}, then {@code FileContext.rename}.
 */
public final class Publication {
  private static final String S3_CONDITIONAL_CREATE = "fs.option.create.conditional.overwrite";

  private final Storage storage;
  private final String target;
  private final Overwrite overwrite;

  Publication(Storage storage, String target, Overwrite overwrite) {
    this.storage = storage;
    this.target = target;
    this.overwrite = overwrite;
  }

  /**
   * Refuses early what {@link #publish} would refuse at the end.
   *
   * @throws OutputExistsException if a file stands there and may not be replaced, or a folder
   *     stands there
   * @throws CommitException if the file system cannot be asked
   */
  public void requirePossible() throws OutputExistsException, CommitException {
    try {
      Path path = storage.path(target);
      FileSystem fileSystem = storage.fileSystem(path);
      if (!fileSystem.exists(path)) {
        return;
      }
      FileStatus status = fileSystem.getFileStatus(path);
      if (status.isDirectory()) {
        throw new OutputExistsException(display() + " is a folder, but the output is a file");
      }
      if (overwrite == Overwrite.REFUSE) {
        throw new OutputExistsException(
            display() + " exists already; --overwrite (checkpoint.overwrite) replaces it");
      }
    } catch (OutputExistsException e) {
      throw e;
    } catch (IOException e) {
      throw new CommitException("cannot write " + display() + ": " + e.getMessage(), e);
    }
  }

  /** What goes into a file, written from its first byte to its last. */
  public interface Content {
    /**
     * Writes all of it.
     *
     * @throws MalformedFileException if what it is made from turns out bad; nothing is published
     *     then
     */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes a small file and reads it back before it is moved into place. Missing parent folders are
   * made.
   *
   * @throws CommitException if it could not be written, or if another file appeared there and may
   *     not be replaced
   */
  public void publish(byte[] bytes) throws CommitException {
    try {
      publish(out -> out.write(bytes), read -> requireSame(bytes, read));
    } catch (MalformedFileException e) {
      throw new CommitException("cannot write " + display() + ": " + e.getMessage(), e);
    }
  }

  /**
   * Writes a file of any size; it is not read back.
   *
   * @throws CommitException as {@link #publish(byte[])}
   * @throws MalformedFileException from the content
   */
  public void publish(Content content) throws CommitException, MalformedFileException {
    publish(content, read -> {});
  }

  /** Looks at what was written, before it is moved into place. */
  private interface Check {
    void accept(InputStream written) throws IOException;
  }

  private void publish(Content content, Check check)
      throws CommitException, MalformedFileException {
    try {
      Path path = storage.path(target);
      FileSystem fileSystem = storage.fileSystem(path);
      if (path.getParent() != null) {
        fileSystem.mkdirs(path.getParent());
      }
      if (Storage.isLocal(fileSystem)) {
        publishLocally(Storage.localPath(path), content, check);
      } else if (fileSystem.getScheme().startsWith("s3")) {
        publishByPut(fileSystem, path, content, check);
      } else {
        publishByRename(fileSystem, fileSystem.makeQualified(path), content, check);
      }
    } catch (MalformedFileException e) {
      throw e;
    } catch (FileAlreadyExistsException | org.apache.hadoop.fs.FileAlreadyExistsException e) {
      throw new CommitException(
          "cannot write " + display() + ": a file appeared there while the job ran", e);
    } catch (IOException e) {
      throw new CommitException("cannot write " + display() + ": " + e.getMessage(), e);
    }
  }

  private String display() {
    return StoredFile.display(target);
  }

  private static String temporaryName(String name) {
    return "." + name + "." + UUID.randomUUID() + ".tmp";
  }

  private void publishLocally(java.nio.file.Path path, Content content, Check check)
      throws IOException {
    java.nio.file.Path folder = path.toAbsolutePath().getParent();
    String name = path.getFileName().toString();
    java.nio.file.Path temporary = folder.resolve(temporaryName(name));
    try {
      try (FileChannel channel =
              FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
          OutputStream out = Channels.newOutputStream(channel)) {
        content.writeTo(out);
        channel.force(true);
      }
      try (InputStream written = Files.newInputStream(temporary)) {
        check.accept(written);
      }
      if (overwrite == Overwrite.REPLACE) {
        Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
      } else {
        Files.createLink(path, temporary);
      }
    } finally {
      Files.deleteIfExists(temporary);
    }
    // A checksum that Hadoop kept for the file that was replaced would now refuse the new one.
    Files.deleteIfExists(folder.resolve("." + name + ".crc"));
    try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }

  private void publishByRename(FileSystem fileSystem, Path path, Content content, Check check)
      throws IOException {
    Path temporary = new Path(path.getParent(), temporaryName(path.getName()));
    try {
      try (FSDataOutputStream out = fileSystem.create(temporary, false)) {
        content.writeTo(out);
        out.hsync();
      }
      check(fileSystem, temporary, check);
      rename(fileSystem, temporary, path, check);
    } finally {
      if (fileSystem.exists(temporary)) {
        fileSystem.delete(temporary, false);
      }
    }
  }

  /**
   * After an exception the outcome is unknown: if the source is gone, what stands at the target
   * decides.
   */
  private void rename(FileSystem fileSystem, Path temporary, Path path, Check check)
      throws IOException {
    try {
      FileContext.getFileContext(path.toUri(), storage.configuration())
          .rename(
              temporary,
              path,
              overwrite == Overwrite.REPLACE ? Options.Rename.OVERWRITE : Options.Rename.NONE);
    } catch (IOException e) {
      if (fileSystem.exists(temporary)) {
        throw e;
      }
      check(fileSystem, path, check);
    }
  }

  /** A PUT is atomic: the object appears whole when the stream is closed. */
  private void publishByPut(FileSystem fileSystem, Path path, Content content, Check check)
      throws IOException {
    var builder = fileSystem.createFile(path).overwrite(overwrite == Overwrite.REPLACE);
    if (overwrite == Overwrite.REFUSE
        && fileSystem.hasPathCapability(path, S3_CONDITIONAL_CREATE)) {
      builder.must(S3_CONDITIONAL_CREATE, true);
    }
    FSDataOutputStream out = builder.build();
    try {
      content.writeTo(out);
    } catch (IOException e) {
      out.abort();
      throw e;
    }
    out.close();
    check(fileSystem, path, check);
  }

  private static void check(FileSystem fileSystem, Path path, Check check) throws IOException {
    try (InputStream written = fileSystem.open(path)) {
      check.accept(written);
    }
  }

  private static void requireSame(byte[] written, InputStream read) throws IOException {
    if (!Arrays.equals(written, read.readAllBytes())) {
      throw new IOException("what was read back differs from what was written");
    }
  }
}
