package org.sparkbatchnorm.job;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A folder that relative paths are resolved against: text in, text out, so that globs survive and
 * any file system may be meant. {@code .} and {@code ..} go by the text alone, as they do in
 * Hadoop's paths; {@code ..} behind a name with glob characters stays, and one at the root has no
 * effect.
 *
 * @param path an absolute path or a URI
 */
public record Folder(String path) {
  private static final Pattern SCHEME =
      Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*:.*", Pattern.DOTALL);
  private static final Pattern ROOT = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*:(//[^/]*)?)?/*");

  /** Names that a {@code ..} behind them cannot undo. */
  private static final Pattern LASTING = Pattern.compile("[*?{}\\[\\]\\\\]|^\\.\\.$");

  /**
   * Checks the path.
   *
   * @throws IllegalArgumentException if it is relative
   */
  public Folder {
    if (!path.startsWith("/") && !SCHEME.matcher(path).matches()) {
      throw new IllegalArgumentException(
          "folder " + path + ", but an absolute path or a URI is needed");
    }
  }

  /** The path itself if it is absolute or has a scheme; otherwise where it lies in this folder. */
  public String resolve(String relative) {
    if (relative.startsWith("/") || SCHEME.matcher(relative).matches()) {
      return relative;
    }
    Matcher root = ROOT.matcher(path);
    int rootEnd = root.lookingAt() ? root.end() : 0;
    Deque<String> names = new ArrayDeque<>();
    for (String name : path.substring(rootEnd).split("/", -1)) {
      if (!name.isEmpty()) {
        names.addLast(name);
      }
    }
    int below = 0;
    for (String name : relative.split("/", -1)) {
      if (name.isEmpty() || name.equals(".")) {
        continue;
      }
      if (!name.equals("..") || (below > 0 && LASTING.matcher(names.getLast()).find())) {
        names.addLast(name);
        below++;
      } else {
        names.pollLast();
        below = Math.max(0, below - 1);
      }
    }
    String start = path.substring(0, rootEnd);
    String inside = String.join("/", names);
    return start.endsWith("/") ? start + inside : start + "/" + inside;
  }
}
