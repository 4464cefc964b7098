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
record Folder(String path) {
  private static final Pattern SCHEME =
      Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*:.*", Pattern.DOTALL);
  private static final Pattern ROOT = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*:(//[^/]*)?)?/*");
  private static final Pattern GLOB = Pattern.compile("[*?{}\\[\\]\\\\]");

  /** The path itself if it is absolute or has a scheme; otherwise where it lies in this folder. */
  String resolve(String relative) {
    if (relative.startsWith("/") || SCHEME.matcher(relative).matches()) {
      return relative;
    }
    Matcher root = ROOT.matcher(path);
    int rootEnd = root.lookingAt() ? root.end() : 0;
    Deque<String> names = new ArrayDeque<>();
    for (String name : path.substring(rootEnd).split("/", -1)) {
      descend(names, name);
    }
    for (String name : relative.split("/", -1)) {
      descend(names, name);
    }
    String start = path.substring(0, rootEnd);
    String inside = String.join("/", names);
    return start.endsWith("/") ? start + inside : start + "/" + inside;
  }

  private static void descend(Deque<String> names, String name) {
    boolean stays = name.isEmpty() || name.equals(".");
    if (stays) {
      return;
    }
    if (!name.equals("..")) {
      names.addLast(name);
    } else if (!names.isEmpty()) {
      if (GLOB.matcher(names.getLast()).find() || names.getLast().equals("..")) {
        names.addLast(name);
      } else {
        names.removeLast();
      }
    }
  }
}
