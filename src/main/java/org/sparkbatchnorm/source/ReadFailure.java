package org.sparkbatchnorm.source;

import java.io.IOException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.IoFailure;
import org.sparkbatchnorm.storage.StoredFile;

/** Reading a file failed in a way that may pass: another attempt may succeed. */
public final class ReadFailure extends IOException {
  private static final long serialVersionUID = 1L;

  private final String file;

  private ReadFailure(StoredFile file, IOException cause) {
    super(file.display() + ": " + cause.getMessage(), cause);
    this.file = file.display();
  }

  /**
   * What went wrong with a file, if trying again cannot help.
   *
   * @throws ReadFailure if it can
   */
  public static MalformedFileException describe(StoredFile file, IOException failure)
      throws ReadFailure {
    if (IoFailure.isFinal(failure)) {
      return IoFailure.describe(file.display(), failure);
    }
    throw new ReadFailure(file, failure);
  }

  /** The same once nobody tries again. */
  public MalformedFileException asFinal() {
    return IoFailure.describe(file, (IOException) getCause());
  }
}
