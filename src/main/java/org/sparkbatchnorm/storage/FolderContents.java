package org.sparkbatchnorm.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * What a folder holds, hidden names left out.
 *
 * <p>On the local disk names are read here: Hadoop's listing leaves out, without a word, what it
 * cannot look at, such as a symbolic link to nothing, and data would be missing without a word.
 */
final class FolderContents {
  private FolderContents() {}

  /**
   * The children with a wanted name.
   *
   * @throws MalformedFileException {@code IO_NOT_FOUND} if one of them is only a name
   */
  static List<FileStatus> list(FileSystem fileSystem, Path folder, Predicate<String> wanted)
      throws IOException {
    List<FileStatus> children = new ArrayList<>();
    if (Storage.isLocal(fileSystem)) {
      for (String name : localNames(folder)) {
        if (!isHidden(name) && wanted.test(name)) {
          children.add(listedStatus(fileSystem, child(folder, name)));
        }
      }
      return children;
    }
    RemoteIterator<FileStatus> statuses = fileSystem.listStatusIterator(folder);
    while (statuses.hasNext()) {
      FileStatus status = statuses.next();
      String name = status.getPath().getName();
      if (!isHidden(name) && wanted.test(name)) {
        children.add(status);
      }
    }
    return children;
  }

  /** Unlike {@code new Path(folder, name)} this takes a name with a colon for a name. */
  static Path child(Path folder, String name) {
    return new Path(folder, new Path(null, null, name));
  }

  /** Spark's rule (HadoopFSUtils.shouldFilterOutPathName). */
  private static boolean isHidden(String name) {
    return name.startsWith(".")
        || (name.startsWith("_") && !name.contains("="))
        || name.endsWith("._COPYING_");
  }

  private static List<String> localNames(Path folder) throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<java.nio.file.Path> children =
        Files.newDirectoryStream(Storage.localPath(folder))) {
      children.forEach(child -> names.add(child.getFileName().toString()));
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return names;
  }

  /**
   * What stands under a name.
   *
   * @throws MalformedFileException {@code IO_NOT_FOUND} if it is a symbolic link to nothing
   * @throws FileNotFoundException if there is no such name
   */
  static FileStatus status(FileSystem fileSystem, Path path) throws IOException {
    try {
      return fileSystem.getFileStatus(path);
    } catch (FileNotFoundException e) {
      if (Storage.isLocal(fileSystem) && Files.isSymbolicLink(Storage.localPath(path))) {
        java.nio.file.Path link = Storage.localPath(path);
        throw missing(
            path,
            "a symbolic link to " + Files.readSymbolicLink(link) + ", which does not exist",
            e);
      }
      throw e;
    }
  }

  private static FileStatus listedStatus(FileSystem fileSystem, Path path) throws IOException {
    try {
      return status(fileSystem, path);
    } catch (FileNotFoundException e) {
      throw missing(
          path,
          "its folder lists it, but it cannot be found: it was deleted meanwhile, or its name"
              + " cannot be written in "
              + System.getProperty("sun.jnu.encoding"),
          e);
    }
  }

  private static MalformedFileException missing(
      Path path, String reason, FileNotFoundException cause) {
    MalformedFileException missing =
        new MalformedFileException(
            StoredFile.display(path.toString()),
            MalformedFileException.NO_OFFSET,
            "IO_NOT_FOUND",
            reason);
    missing.initCause(cause);
    return missing;
  }
}
