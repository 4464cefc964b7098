package org.sparkbatchnorm.storage;

import java.io.IOException;

/**
 * An output could not be put in its place; what stood there before still stands, unless the message
 * says otherwise.
 */
public final class CommitException extends IOException {
  private static final long serialVersionUID = 1L;

  CommitException(String message, IOException cause) {
    super(message, cause);
  }
}
