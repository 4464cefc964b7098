package org.sparkbatchnorm.cli;

import java.nio.file.Paths;
import org.sparkbatchnorm.job.Folder;

/**
 * What relative paths on the command line mean: this process's folder, on the local disk whatever
 * Hadoop's default is.
 */
final class CurrentFolder {
  private CurrentFolder() {}

  /** As a URI, not escaped. */
  static String uri() {
    return "file:" + Paths.get("").toAbsolutePath();
  }

  /** An absolute path or a URI as it is; a relative path in this folder. */
  static String resolve(String path) {
    return new Folder(uri()).resolve(path);
  }
}
