package org.sparkbatchnorm.storage;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.fs.PathIsNotDirectoryException;
import org.apache.hadoop.security.AccessControlException;
import org.sparkbatchnorm.format.MalformedFileException;

/** What went wrong while reading, as the one exception that names file and code. */
public final class IoFailure {
  private IoFailure() {}

  /**
   * The failure as a {@link MalformedFileException}: itself if it is one, else with code {@code
   * IO_NOT_FOUND}, {@code IO_PERMISSION_DENIED}, {@code SHARD_CHANGED} (the file ended early) or
   * {@code IO_READ}.
   */
  public static MalformedFileException describe(String file, IOException failure) {
    MalformedFileException described =
        failure instanceof MalformedFileException malformed
            ? malformed
            : new MalformedFileException(
                file, MalformedFileException.NO_OFFSET, code(failure), reason(failure));
    if (described != failure) {
      described.initCause(failure);
    }
    return described;
  }

  /** Whether trying again cannot help: the file is gone, changed, malformed or forbidden. */
  public static boolean isFinal(IOException failure) {
    return failure instanceof MalformedFileException || !code(failure).equals("IO_READ");
  }

  private static String code(IOException failure) {
    if (failure instanceof FileNotFoundException && isPermission(failure)) {
      return "IO_PERMISSION_DENIED";
    }
    if (failure instanceof FileNotFoundException || failure instanceof NoSuchFileException) {
      return "IO_NOT_FOUND";
    }
    if (failure instanceof AccessControlException || failure instanceof AccessDeniedException) {
      return "IO_PERMISSION_DENIED";
    }
    if (failure instanceof PathIsNotDirectoryException) {
      return "NOT_A_REGULAR_FILE";
    }
    return failure instanceof EOFException ? "SHARD_CHANGED" : "IO_READ";
  }

  /** java.io reports a local file that may not be read as one that was not found. */
  private static boolean isPermission(IOException failure) {
    return failure.getMessage() != null && failure.getMessage().contains("(Permission denied)");
  }

  private static String reason(IOException failure) {
    String message = failure.getMessage();
    String text = message == null ? failure.getClass().getSimpleName() : message;
    int end = text.indexOf('\n');
    return end < 0 ? text : text.substring(0, end);
  }
}
