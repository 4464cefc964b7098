package org.sparkbatchnorm.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.GlobExpander;
import org.apache.hadoop.fs.GlobFilter;
import org.apache.hadoop.fs.Path;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * Finds what a glob matches, by Hadoop's rules for {@code * ? [] {} \}. A wildcard matches no
 * hidden name, at any level, so that what another job is still writing under {@code _temporary} is
 * not read; a hidden name that is spelled out is.
 *
 * <p>{@code FileSystem.globStatus} has no such rule, and fails where any name has a colon.
 */
final class Glob {
  private Glob() {}

  /**
   * A file or folder that matches.
   *
   * @param name relative to the longest leading part of the glob without wildcards
   */
  record Match(FileStatus status, String name) {}

  static boolean isGlob(Path path) {
    return hasWildcard(path.toUri().getPath());
  }

  private static boolean hasWildcard(String text) {
    return text.chars().anyMatch(c -> "*?[{\\".indexOf(c) >= 0);
  }

  /**
   * All matches, ordered by name.
   *
   * @throws MalformedFileException {@code IO_NOT_FOUND} if there is none; {@code PATH} if this is
   *     no glob
   */
  static List<Match> matches(FileSystem fileSystem, Path glob) throws IOException {
    Path fixed = glob;
    while (hasWildcard(fixed.toUri().getPath())) {
      fixed = fixed.getParent();
    }
    String inFixed = fixed.toUri().getPath();
    Map<String, Match> found = new TreeMap<>();
    for (String expanded : expand(glob)) {
      String rest = expanded.substring(inFixed.length());
      List<Match> matches = new ArrayList<>();
      addIfThere(fileSystem, fixed, "", matches);
      for (String component : rest.split("/", -1)) {
        if (!component.isEmpty()) {
          matches = descend(fileSystem, matches, component, glob);
        }
      }
      matches.forEach(match -> found.putIfAbsent(match.name(), match));
    }
    if (found.isEmpty()) {
      throw malformed(
          glob,
          "IO_NOT_FOUND",
          "the pattern matches no file; wildcards pass over names that begin with _ or .");
    }
    return new ArrayList<>(found.values());
  }

  /** Alternatives that hold a slash, written out. */
  private static List<String> expand(Path glob) throws MalformedFileException {
    try {
      return GlobExpander.expand(glob.toUri().getPath());
    } catch (IOException e) {
      throw malformed(glob, "PATH", e.getMessage());
    }
  }

  private static List<Match> descend(
      FileSystem fileSystem, List<Match> folders, String component, Path glob) throws IOException {
    GlobFilter filter;
    try {
      filter = new GlobFilter(component);
    } catch (IOException e) {
      throw malformed(glob, "PATH", e.getMessage());
    }
    List<Match> matches = new ArrayList<>();
    for (Match folder : folders) {
      if (!folder.status().isDirectory()) {
        continue;
      }
      Path path = folder.status().getPath();
      String prefix = folder.name().isEmpty() ? "" : folder.name() + "/";
      if (filter.hasPattern()) {
        for (FileStatus child :
            FolderContents.list(
                fileSystem, path, name -> filter.accept(FolderContents.child(path, name)))) {
          matches.add(new Match(child, prefix + child.getPath().getName()));
        }
      } else {
        String name = component.replaceAll("\\\\(.)", "$1");
        addIfThere(fileSystem, FolderContents.child(path, name), prefix + name, matches);
      }
    }
    return matches;
  }

  private static void addIfThere(FileSystem fileSystem, Path path, String name, List<Match> matches)
      throws IOException {
    try {
      matches.add(new Match(FolderContents.status(fileSystem, path), name));
    } catch (FileNotFoundException e) {
      // A name that is spelled out behind a wildcard need not be in every folder.
    }
  }

  private static MalformedFileException malformed(Path glob, String code, String reason) {
    return new MalformedFileException(
        StoredFile.display(glob.toString()), MalformedFileException.NO_OFFSET, code, reason);
  }
}
