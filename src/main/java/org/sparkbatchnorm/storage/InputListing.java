package org.sparkbatchnorm.storage;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.sparkbatchnorm.format.MalformedFileException;

/** Lists files, folders and globs; one use. */
final class InputListing {
  /** Deeper than any real folder; a cycle of symbolic links ends here. */
  private static final int DEEPEST = 100;

  private final Storage storage;
  private final Map<String, StoredFile> files = new TreeMap<>();

  InputListing(Storage storage) {
    this.storage = storage;
  }

  List<StoredFile> list(List<String> inputs) throws MalformedFileException {
    for (String input : inputs) {
      try {
        listInput(input);
      } catch (IOException e) {
        throw IoFailure.describe(StoredFile.display(input), e);
      }
    }
    return new ArrayList<>(files.values());
  }

  private void listInput(String input) throws IOException {
    Path path = storage.path(input);
    FileSystem fileSystem = storage.fileSystem(path);
    Path literal = new Path(path.toString());
    if (!isGlob(path) || fileSystem.exists(literal)) {
      FileStatus status = fileSystem.getFileStatus(literal);
      listAny(fileSystem, status, status.isDirectory() ? "" : status.getPath().getName(), 0);
      return;
    }
    FileStatus[] matches = fileSystem.globStatus(path);
    if (matches == null || matches.length == 0) {
      throw new MalformedFileException(
          StoredFile.display(input),
          MalformedFileException.NO_OFFSET,
          "IO_NOT_FOUND",
          "the pattern matches no file");
    }
    String fixed = fileSystem.makeQualified(fixedPart(path)).toString();
    for (FileStatus match : matches) {
      if (!isHidden(match.getPath().getName())) {
        listAny(fileSystem, match, relative(fixed, match.getPath().toString()), 0);
      }
    }
  }

  private void listAny(FileSystem fileSystem, FileStatus status, String name, int depth)
      throws IOException {
    if (!status.isDirectory()) {
      files.putIfAbsent(status.getPath().toString(), storage.stored(status, name));
      return;
    }
    if (depth > DEEPEST) {
      throw new MalformedFileException(
          StoredFile.display(status.getPath().toString()),
          MalformedFileException.NO_OFFSET,
          "IO_READ",
          "folders are nested more than " + DEEPEST + " deep");
    }
    RemoteIterator<FileStatus> children = fileSystem.listStatusIterator(status.getPath());
    while (children.hasNext()) {
      FileStatus child = children.next();
      String childName = child.getPath().getName();
      if (!isHidden(childName)) {
        listAny(fileSystem, child, name.isEmpty() ? childName : name + "/" + childName, depth + 1);
      }
    }
  }

  /** Spark's rule (HadoopFSUtils.shouldFilterOutPathName). */
  private static boolean isHidden(String name) {
    return name.startsWith(".")
        || (name.startsWith("_") && !name.contains("="))
        || name.endsWith("._COPYING_");
  }

  private static boolean isGlob(Path path) {
    return hasWildcard(path.toUri().getPath());
  }

  private static boolean hasWildcard(String text) {
    return text.chars().anyMatch(c -> "*?[{\\".indexOf(c) >= 0);
  }

  /** The longest leading part of a glob without wildcards. */
  private static Path fixedPart(Path glob) {
    Path fixed = glob;
    while (fixed.getParent() != null && hasWildcard(fixed.toUri().getPath())) {
      fixed = fixed.getParent();
    }
    return fixed;
  }

  private static String relative(String fixed, String path) {
    String rest = path.startsWith(fixed) ? path.substring(fixed.length()) : path;
    return rest.startsWith("/") ? rest.substring(1) : rest;
  }
}
