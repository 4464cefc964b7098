package org.sparkbatchnorm.storage;

import java.io.IOException;

/**
 * An output cannot be written where it was asked for: something is there already. Nothing was
 * changed.
 */
public final class OutputExistsException extends IOException {
  private static final long serialVersionUID = 1L;

  OutputExistsException(String message) {
    super(message);
  }
}
