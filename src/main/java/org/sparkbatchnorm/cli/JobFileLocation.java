package org.sparkbatchnorm.cli;

import java.io.IOException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.job.JobFile;
import org.sparkbatchnorm.job.JobSpecException;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.storage.StoredInput;

/** Reads a job file from wherever it is: a path, or a URI of any Hadoop file system. */
final class JobFileLocation {
  /** No job file is longer. */
  private static final int LONGEST = 1 << 20;

  private JobFileLocation() {}

  /**
   * The file's text and folder.
   *
   * @throws JobSpecException if it cannot be read
   */
  static JobFile read(String path) {
    Storage storage = Storage.ofClassPath();
    try {
      StoredFile file = storage.file(CurrentFolder.resolve(path));
      if (file.length() > LONGEST) {
        throw new JobSpecException(
            path + ": " + file.length() + " bytes, but a job file has at most " + LONGEST);
      }
      byte[] content = new byte[(int) file.length()];
      try (StoredInput in = storage.open(file)) {
        in.readFully(0, content, 0, content.length);
      }
      return JobFile.decode(path, content, file.uri().substring(0, file.uri().lastIndexOf('/')));
    } catch (MalformedFileException e) {
      throw new JobSpecException("job file " + path + ": " + e.code() + ": " + e.reason());
    } catch (IOException e) {
      throw new JobSpecException("job file " + path + ": " + e.getMessage());
    }
  }
}
