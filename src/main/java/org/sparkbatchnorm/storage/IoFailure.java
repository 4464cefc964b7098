package org.sparkbatchnorm.storage;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.ParentNotDirectoryException;
import org.apache.hadoop.fs.PathIsNotDirectoryException;
import org.apache.hadoop.security.AccessControlException;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.Printable;

/** What went wrong while reading, as the one exception that names file and code. */
public final class IoFailure {
  private IoFailure() {}

  /**
   * The failure as a {@link MalformedFileException}: itself if it is one, else with code {@code
   * IO_NOT_FOUND}, {@code IO_PERMISSION_DENIED}, {@code NOT_A_REGULAR_FILE}, {@code SHARD_CHANGED}
   * (the file ended early), {@code IO_CHECKSUM} or {@code IO_READ}.
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

  /**
   * A path that its file system cannot take: a name that is not allowed there, or a host that is
   * not known.
   */
  static MalformedFileException unusablePath(String path, IllegalArgumentException failure) {
    MalformedFileException described =
        new MalformedFileException(
            StoredFile.display(path),
            MalformedFileException.NO_OFFSET,
            "PATH",
            "not a usable path: " + failure.getMessage());
    described.initCause(failure);
    return described;
  }

  private static String code(IOException failure) {
    if (failure instanceof FileNotFoundException && isPermission(failure)) {
      return "IO_PERMISSION_DENIED";
    }
    if (failure instanceof FileNotFoundException
        || failure instanceof NoSuchFileException
        || failure instanceof ParentNotDirectoryException
        || isBelowFile(failure)) {
      return "IO_NOT_FOUND";
    }
    if (failure instanceof AccessControlException || failure instanceof AccessDeniedException) {
      return "IO_PERMISSION_DENIED";
    }
    if (failure instanceof PathIsNotDirectoryException) {
      return "NOT_A_REGULAR_FILE";
    }
    if (failure instanceof ChecksumException) {
      return "IO_CHECKSUM";
    }
    return failure instanceof EOFException ? "SHARD_CHANGED" : "IO_READ";
  }

  /** java.io reports a local file that may not be read as one that was not found. */
  private static boolean isPermission(IOException failure) {
    return failure.getMessage() != null && failure.getMessage().contains("(Permission denied)");
  }

  /** A name node that checks permissions reports a path below a file as a lack of them. */
  private static boolean isBelowFile(IOException failure) {
    return failure instanceof AccessControlException
        && failure.getMessage() != null
        && failure.getMessage().contains("(is not a directory)");
  }

  /** What an exception says, on one line: a name node's messages carry its stack trace. */
  static String reason(IOException failure) {
    if (failure instanceof FileSystemException local && local.getReason() == null) {
      // Its message is then the file's name and nothing else.
      return failure.getClass().getSimpleName() + ": " + local.getFile();
    }
    String message = failure.getMessage();
    String text = message == null ? failure.getClass().getSimpleName() : message;
    int end = text.indexOf('\n');
    String line = Printable.escape(end < 0 ? text : text.substring(0, end));
    return failure instanceof ChecksumException
        ? line + "; where the file was rewritten on purpose, delete the .crc file beside it"
        : line;
  }
}
