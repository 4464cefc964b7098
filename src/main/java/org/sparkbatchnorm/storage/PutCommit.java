package org.sparkbatchnorm.storage;

import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;

/**
 * Straight to the final key: an object appears whole when its stream is closed, and a rename would
 * copy it. Exclusive where the store has conditional PUTs (S3A from Hadoop 3.4.2); elsewhere an
 * object that appears after the check is replaced.
 */
final class PutCommit implements Commit {
  private static final String CONDITIONAL_CREATE = "fs.option.create.conditional.overwrite";

  private final FileSystem fileSystem;
  private final Path target;
  private final Overwrite overwrite;

  PutCommit(FileSystem fileSystem, Path target, Overwrite overwrite) {
    this.fileSystem = fileSystem;
    this.target = target;
    this.overwrite = overwrite;
  }

  @Override
  public void publish(Publication.Content content, Check check) throws IOException {
    var builder = fileSystem.createFile(target).overwrite(overwrite == Overwrite.REPLACE);
    if (overwrite == Overwrite.REFUSE && fileSystem.hasPathCapability(target, CONDITIONAL_CREATE)) {
      builder.must(CONDITIONAL_CREATE, true);
    }
    FSDataOutputStream out = builder.build();
    try {
      content.writeTo(out);
    } catch (IOException | RuntimeException | Error e) {
      abandon(out);
      throw e;
    }
    out.close();
    try (InputStream written = fileSystem.open(target)) {
      check.accept(written);
    }
  }

  /** A stream that cannot be aborted stays open: closing it would publish a part. */
  private static void abandon(FSDataOutputStream out) {
    if (out.hasCapability(StreamCapabilities.ABORTABLE_STREAM)) {
      out.abort();
    }
  }
}
