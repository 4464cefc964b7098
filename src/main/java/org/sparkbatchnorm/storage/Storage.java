package org.sparkbatchnorm.storage;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * Files by path or URI, on whatever Hadoop file system it names; without a scheme, on the
 * configuration's default one. Thread-safe.
 */
public final class Storage {
  private final Configuration configuration;

  private Storage(Configuration configuration) {
    this.configuration = configuration;
  }

  /** Storage as this Hadoop configuration describes it. */
  public static Storage of(Configuration configuration) {
    return new Storage(configuration);
  }

  /** Storage as the configuration files on the class path describe it. */
  public static Storage ofClassPath() {
    return new Storage(new Configuration());
  }

  /**
   * All files of the inputs, each once, ordered by URI. A folder is listed recursively; in a glob,
   * what it matches is listed, unless a file of exactly that name is there. Names that begin with
   * {@code _} or {@code .} below an input are skipped, as Spark does (but {@code _x=1} is a
   * partition).
   *
   * <p>A symbolic link is what it leads to, under the link's name. A file that several inputs hold
   * is named as in the first of them.
   *
   * @throws MalformedFileException if an input does not exist, matches nothing, or cannot be
   *     listed; if a link leads nowhere or to a folder above it; if a pipe, socket or device is
   *     among the files
   */
  public List<StoredFile> list(List<String> inputs) throws MalformedFileException {
    return new InputListing(this).list(inputs);
  }

  /**
   * One file by its path.
   *
   * @throws MalformedFileException if it is not there, is a folder, or is no regular file
   */
  public StoredFile file(String path) throws MalformedFileException {
    try {
      Path hadoopPath = path(path);
      FileStatus status = FolderContents.status(fileSystem(hadoopPath), hadoopPath);
      if (status.isDirectory()) {
        throw notRegular(path, "it is a folder");
      }
      return stored(status, status.getPath().getName());
    } catch (IOException e) {
      throw IoFailure.describe(StoredFile.display(path), e);
    } catch (IllegalArgumentException e) {
      throw IoFailure.unusablePath(path, e);
    }
  }

  /**
   * A file that a file names as standing beside it.
   *
   * @param path of the file that names it
   * @param name a plain name, without any folder
   * @throws MalformedFileException SHARD_MISSING if it is not there; PATH_ESCAPE if it is a
   *     symbolic link, which may lead anywhere
   */
  public StoredFile sibling(String path, String name) throws MalformedFileException {
    Path sibling = new Path(path(path).getParent(), new Path(null, null, name));
    String display = StoredFile.display(sibling.toString());
    try {
      if (isLocal(fileSystem(sibling)) && Files.isSymbolicLink(localPath(sibling))) {
        throw new MalformedFileException(
            display,
            MalformedFileException.NO_OFFSET,
            "PATH_ESCAPE",
            "a symbolic link, but a file beside "
                + StoredFile.display(path)
                + " is expected; copy the folder with what its links lead to");
      }
      return file(sibling.toString());
    } catch (MalformedFileException e) {
      if (e.code().equals("IO_NOT_FOUND")) {
        throw new MalformedFileException(
            display,
            MalformedFileException.NO_OFFSET,
            "SHARD_MISSING",
            "not there, but " + StoredFile.display(path) + " names it");
      }
      throw e;
    } catch (IOException e) {
      throw IoFailure.describe(display, e);
    }
  }

  /** Whether this is a folder. */
  public boolean isFolder(String path) throws MalformedFileException {
    try {
      Path hadoopPath = path(path);
      return fileSystem(hadoopPath).getFileStatus(hadoopPath).isDirectory();
    } catch (IOException e) {
      throw IoFailure.describe(StoredFile.display(path), e);
    } catch (IllegalArgumentException e) {
      throw IoFailure.unusablePath(path, e);
    }
  }

  /**
   * Opens a file that was listed.
   *
   * @throws MalformedFileException {@code SHARD_CHANGED} if it is no longer what it was then
   */
  public StoredInput open(StoredFile file) throws IOException {
    requireUnchanged(file);
    Path path = new Path(file.uri());
    return new StoredInput(file, open(path));
  }

  /** Hadoop's local file system cannot name the checksum file of a name with a colon. */
  private FSDataInputStream open(Path path) throws IOException {
    FileSystem fileSystem = fileSystem(path);
    return fileSystem instanceof LocalFileSystem local && path.getName().contains(":")
        ? local.getRawFileSystem().open(path)
        : fileSystem.open(path);
  }

  /**
   * Checks that a file still has the length and modification time it was listed with.
   *
   * @throws MalformedFileException {@code SHARD_CHANGED} if not
   */
  public void requireUnchanged(StoredFile file) throws IOException {
    Path path = new Path(file.uri());
    FileStatus now = fileSystem(path).getFileStatus(path);
    if (now.getLen() != file.length() || now.getModificationTime() != file.modifiedMillis()) {
      throw new MalformedFileException(
          file.display(),
          MalformedFileException.NO_OFFSET,
          "SHARD_CHANGED",
          "the file changed while the job ran: it has "
              + now.getLen()
              + " bytes, modified at "
              + now.getModificationTime()
              + ", but was planned with "
              + file.length()
              + " bytes, modified at "
              + file.modifiedMillis());
    }
  }

  /**
   * The URI that a listing gives a file of this path, whether it is there or not.
   *
   * @throws MalformedFileException if it is no path, or of a file system that cannot be reached
   */
  public String uri(String path) throws MalformedFileException {
    try {
      Path hadoopPath = path(path);
      return fileSystem(hadoopPath).makeQualified(hadoopPath).toString();
    } catch (IOException e) {
      throw IoFailure.describe(StoredFile.display(path), e);
    }
  }

  /** Where an output goes; checks nothing yet. */
  public Publication publication(String path, Overwrite overwrite) {
    return new Publication(this, path, overwrite);
  }

  Path path(String text) throws MalformedFileException {
    try {
      return new Path(text);
    } catch (IllegalArgumentException e) {
      throw new MalformedFileException(
          StoredFile.display(text),
          MalformedFileException.NO_OFFSET,
          "PATH",
          "not a path or URI: " + e.getMessage());
    }
  }

  FileSystem fileSystem(Path path) throws IOException {
    return path.getFileSystem(configuration);
  }

  Configuration configuration() {
    return configuration;
  }

  /** Whatever class the configuration gives the scheme {@code file}. */
  static boolean isLocal(FileSystem fileSystem) {
    return "file".equals(fileSystem.getUri().getScheme());
  }

  static java.nio.file.Path localPath(Path path) {
    return Paths.get(Path.getPathWithoutSchemeAndAuthority(path).toString());
  }

  /** The file behind a status; a pipe or device, which would block or never end, is refused. */
  StoredFile stored(FileStatus status, String name) throws IOException {
    Path path = status.getPath();
    if (isLocal(fileSystem(path)) && !Files.isRegularFile(localPath(path))) {
      throw notRegular(path.toString(), "it is a pipe, socket or device");
    }
    return new StoredFile(path.toString(), name, status.getLen(), status.getModificationTime());
  }

  private static MalformedFileException notRegular(String path, String found) {
    return new MalformedFileException(
        StoredFile.display(path),
        MalformedFileException.NO_OFFSET,
        "NOT_A_REGULAR_FILE",
        found + ", but a file is expected");
  }
}
