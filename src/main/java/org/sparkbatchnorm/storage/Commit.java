package org.sparkbatchnorm.storage;

import java.io.IOException;
import java.io.InputStream;
import java.util.UUID;

/** How one kind of file system takes a file so that no reader sees half of it. */
interface Commit {
  /** Looks at what was written, before it is moved into place where there is a move. */
  interface Check {
    void accept(InputStream written) throws IOException;
  }

  /**
   * Writes the file and puts it in its place; leaves nothing else behind, whatever fails.
   *
   * @throws java.nio.file.FileAlreadyExistsException or Hadoop's, if a file is there that must not
   *     be replaced
   */
  void publish(Publication.Content content, Check check) throws IOException;

  /** A new name that listings skip, of a length that does not depend on the output's name. */
  static String temporaryName() {
    return ".spark-batchnorm-" + UUID.randomUUID() + ".tmp";
  }
}
