package org.sparkbatchnorm.storage;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.sparkbatchnorm.format.MalformedFileException;

/** Lists files, folders and globs; one use. */
final class InputListing {
  /** Deeper than any real folder. */
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
      } catch (IllegalArgumentException e) {
        throw IoFailure.unusablePath(input, e);
      }
    }
    return new ArrayList<>(files.values());
  }

  private void listInput(String input) throws IOException {
    Path path = storage.path(input);
    FileSystem fileSystem = storage.fileSystem(path);
    Walk walk = new Walk(fileSystem);
    if (Glob.isGlob(path) && !fileSystem.exists(path)) {
      for (Glob.Match match : Glob.matches(fileSystem, path)) {
        walk.add(match.status(), match.name());
      }
    } else {
      FileStatus status = FolderContents.status(fileSystem, path);
      walk.add(status, status.isDirectory() ? "" : status.getPath().getName());
    }
  }

  /** Goes down into folders. */
  private final class Walk {
    private final FileSystem fileSystem;

    /** The folders that lead to this one, by what they are and not by what they are called. */
    private final Set<Object> above = new HashSet<>();

    Walk(FileSystem fileSystem) {
      this.fileSystem = fileSystem;
    }

    void add(FileStatus status, String name) throws IOException {
      if (!status.isDirectory()) {
        files.putIfAbsent(status.getPath().toString(), storage.stored(status, name));
        return;
      }
      Path folder = status.getPath();
      Object identity =
          Storage.isLocal(fileSystem) ? Storage.localPath(folder).toRealPath() : folder;
      if (!above.add(identity)) {
        throw endless(folder, "a symbolic link leads back to " + identity + ", a folder above it");
      }
      if (above.size() > DEEPEST) {
        throw endless(folder, "folders are nested more than " + DEEPEST + " deep");
      }
      for (FileStatus child : FolderContents.list(fileSystem, folder, any -> true)) {
        String childName = child.getPath().getName();
        add(child, name.isEmpty() ? childName : name + "/" + childName);
      }
      above.remove(identity);
    }

    private MalformedFileException endless(Path folder, String reason) {
      return new MalformedFileException(
          StoredFile.display(folder.toString()),
          MalformedFileException.NO_OFFSET,
          "IO_LOOP",
          reason);
    }
  }
}
