package org.sparkbatchnorm.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.util.Arrays;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.ParentNotDirectoryException;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsAction;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;
import org.sparkbatchnorm.format.ReadableBytes;

/**
 * Puts a small file in its place: written under a temporary name in the same folder (a name that
 * listings skip), read back and compared, then moved. At every moment a reader finds the old file,
 * the new one, or none.
 *
 * <p>Local disk: {@code CREATE_NEW}, {@code fsync}, then an atomic move, or a hard link where
 * nothing may be replaced. Object stores with atomic PUT (s3a): straight to the final key. Any
 * other, HDFS among them: {@code hsync}, then {@code FileContext.rename}. A symbolic link on the
 * local disk is replaced itself; what it leads to stays as it is.
 */
public final class Publication {
  private static final int BLOCK_BYTES = 1 << 20;

  private final Storage storage;
  private final String target;
  private final Overwrite overwrite;

  Publication(Storage storage, String target, Overwrite overwrite) {
    this.storage = storage;
    this.target = target;
    this.overwrite = overwrite;
  }

  /**
   * Refuses early what {@link #publish} would refuse at the end, as far as it can be known.
   *
   * @throws OutputExistsException if a file stands there and may not be replaced, or a folder
   *     stands there
   * @throws CommitException if the path is none, a file stands where a folder must be, the folder
   *     may not be written into, or the file system cannot be asked
   */
  public void requirePossible() throws OutputExistsException, CommitException {
    try {
      Path path = storage.path(target);
      FileSystem fileSystem = storage.fileSystem(path);
      requireFree(fileSystem, path);
      requireFolder(fileSystem, path.getParent());
    } catch (OutputExistsException | CommitException e) {
      throw e;
    } catch (MalformedFileException e) {
      throw cannotWrite(e.reason(), e);
    } catch (IOException e) {
      throw cannotWrite(IoFailure.reason(e), e);
    } catch (IllegalArgumentException e) {
      MalformedFileException failure = IoFailure.unusablePath(target, e);
      throw cannotWrite(failure.reason(), failure);
    }
  }

  private void requireFree(FileSystem fileSystem, Path path) throws IOException {
    try {
      if (fileSystem.getFileStatus(path).isDirectory()) {
        throw new OutputExistsException(display() + " is a folder, but the output is a file");
      }
    } catch (FileNotFoundException e) {
      if (!Storage.isLocal(fileSystem) || !Files.isSymbolicLink(Storage.localPath(path))) {
        return;
      }
    }
    if (overwrite == Overwrite.REFUSE) {
      throw new OutputExistsException(display() + " exists already; --overwrite replaces it");
    }
  }

  /** Looks at the nearest folder that is there; those between are made later. */
  private void requireFolder(FileSystem fileSystem, Path folder) throws IOException {
    for (Path above = folder; above != null; above = above.getParent()) {
      FileStatus status;
      try {
        status = fileSystem.getFileStatus(above);
      } catch (FileNotFoundException | ParentNotDirectoryException e) {
        continue;
      } catch (IOException e) {
        // A folder that one may not look at, as on object stores, can be written into all the same.
        return;
      }
      String shown = StoredFile.display(above.toString());
      if (!status.isDirectory()) {
        throw cannotWrite(shown + " is a file, but a folder is needed there", null);
      }
      if (Storage.isLocal(fileSystem) && !Files.isWritable(Storage.localPath(above))) {
        throw cannotWrite("no permission to write into " + shown, null);
      }
      if (fileSystem.getUri().getScheme().equals("hdfs")) {
        fileSystem.access(above, FsAction.WRITE_EXECUTE);
      }
      return;
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
      throw cannotWrite(e.reason(), e);
    }
  }

  /**
   * Writes what another file holds, of any size, and reads it back before it is moved into place.
   *
   * @throws CommitException as {@link #publish(byte[])}
   * @throws MalformedFileException if the other file cannot be read, or is no longer what it was
   */
  public void publish(ReadableBytes source, Unchanged unchanged)
      throws CommitException, MalformedFileException {
    publish(
        out -> {
          forEachBlock(source, (block, count) -> out.write(block, 0, count));
          unchanged.require();
        },
        read ->
            forEachBlock(
                source,
                (block, count) -> {
                  if (!Arrays.equals(block, 0, count, read.readNBytes(count), 0, count)) {
                    throw new IOException("what was read back differs from what was written");
                  }
                }));
  }

  /** Whether a file that is copied is still what it was. */
  public interface Unchanged {
    /**
     * Returns if it is.
     *
     * @throws MalformedFileException SHARD_CHANGED if it is not
     */
    void require() throws MalformedFileException;
  }

  private interface Block {
    void accept(byte[] bytes, int count) throws IOException;
  }

  private static void forEachBlock(ReadableBytes source, Block use) throws IOException {
    byte[] block = new byte[BLOCK_BYTES];
    long position = 0;
    while (position < source.length()) {
      int count = (int) Math.min(block.length, source.length() - position);
      readFully(source, position, block, count);
      use.accept(block, count);
      position += count;
    }
  }

  /** A failure to read is told apart from a failure to write. */
  private static void readFully(ReadableBytes source, long position, byte[] block, int count)
      throws MalformedFileException {
    try {
      source.readFully(position, block, 0, count);
    } catch (IOException e) {
      throw IoFailure.describe(source.name(), e);
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

  private void publish(Content content, Commit.Check check)
      throws CommitException, MalformedFileException {
    try {
      Path path = storage.path(target);
      FileSystem fileSystem = storage.fileSystem(path);
      if (path.getParent() != null) {
        makeFolder(fileSystem, path.getParent());
      }
      commit(fileSystem, path).publish(content, check);
    } catch (MalformedFileException e) {
      throw e;
    } catch (FileAlreadyExistsException | org.apache.hadoop.fs.FileAlreadyExistsException e) {
      throw cannotWrite("a file appeared there while the job ran", e);
    } catch (IOException e) {
      throw cannotWrite(IoFailure.reason(e), e);
    }
  }

  private Commit commit(FileSystem fileSystem, Path path) {
    if (Storage.isLocal(fileSystem)) {
      return new LocalCommit(Storage.localPath(path), overwrite);
    }
    if (fileSystem.getUri().getScheme().startsWith("s3")) {
      return new PutCommit(fileSystem, path, overwrite);
    }
    return new RenameCommit(
        fileSystem, storage.configuration(), fileSystem.makeQualified(path), overwrite);
  }

  private static void makeFolder(FileSystem fileSystem, Path folder) throws IOException {
    boolean made;
    try {
      made = fileSystem.mkdirs(folder);
    } catch (org.apache.hadoop.fs.FileAlreadyExistsException e) {
      // Not the output that appeared: a file where a folder must be.
      throw new IOException(e.getMessage(), e);
    }
    if (!made) {
      throw new IOException("the folder " + folder + " could not be made");
    }
  }

  private String display() {
    return Printable.escape(StoredFile.display(target));
  }

  private CommitException cannotWrite(String reason, IOException cause) {
    return new CommitException("cannot write " + display() + ": " + reason, cause);
  }

  private static void requireSame(byte[] written, InputStream read) throws IOException {
    if (!Arrays.equals(written, read.readAllBytes())) {
      throw new IOException("what was read back differs from what was written");
    }
  }
}
