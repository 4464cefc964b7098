package org.sparkbatchnorm.source;

import java.io.IOException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.IoFailure;
import org.sparkbatchnorm.storage.StoredFile;

/** Reading a file failed in a way that may pass: another attempt may succeed. */
public final class ReadFailure extends IOException {
  private static final long serialVersionUID = 1L;

  private final String file;

  ReadFailure(StoredFile file, IOException cause) {
    super(file.display() + ": " + cause.getMessage(), cause);
    this.file = file.display();
  }

  /** The same once nobody tries again. */
  public MalformedFileException asFinal() {
    return IoFailure.describe(file, (IOException) getCause());
  }
}
