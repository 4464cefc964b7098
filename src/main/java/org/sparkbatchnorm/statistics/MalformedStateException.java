package org.sparkbatchnorm.statistics;

import java.io.IOException;

/**
 * Bytes that are no encoded state: damaged, cut off, of another version, or not in the one form
 * that each state has. An IOException, so that deserialization passes it on.
 */
final class MalformedStateException extends IOException {
  private static final long serialVersionUID = 1L;

  /**
   * An exception.
   *
   * @param offset of the first byte that is wrong
   * @param reason what was found and what was expected
   */
  MalformedStateException(int offset, String reason) {
    super("statistics state, byte " + offset + ": " + reason);
  }
}
