package org.sparkbatchnorm.storage;

import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;

/**
 * A temporary file, then {@code FileContext.rename}, one step on HDFS: {@code FileSystem.rename}
 * cannot replace, and may return false without a reason.
 */
final class RenameCommit implements Commit {
  private final FileSystem fileSystem;
  private final Configuration configuration;
  private final Path target;
  private final Overwrite overwrite;

  /** A commit to a path that has its scheme and authority. */
  RenameCommit(
      FileSystem fileSystem, Configuration configuration, Path target, Overwrite overwrite) {
    this.fileSystem = fileSystem;
    this.configuration = configuration;
    this.target = target;
    this.overwrite = overwrite;
  }

  @Override
  public void publish(Publication.Content content, Check check) throws IOException {
    Path temporary = new Path(target.getParent(), Commit.temporaryName());
    try {
      try (FSDataOutputStream out = fileSystem.create(temporary, false)) {
        content.writeTo(out);
        out.hsync();
      }
      check(temporary, check);
      rename(temporary, check);
    } catch (IOException | RuntimeException | Error e) {
      try {
        fileSystem.delete(temporary, false);
      } catch (IOException left) {
        e.addSuppressed(left);
      }
      throw e;
    }
  }

  /**
   * After an exception the outcome is unknown: if the source is gone, what stands at the target
   * decides.
   */
  private void rename(Path temporary, Check check) throws IOException {
    try {
      FileContext.getFileContext(target.toUri(), configuration)
          .rename(
              temporary,
              target,
              overwrite == Overwrite.REPLACE ? Options.Rename.OVERWRITE : Options.Rename.NONE);
    } catch (IOException e) {
      if (isThere(temporary, e)) {
        throw e;
      }
      check(target, check);
    }
  }

  private boolean isThere(Path temporary, IOException failure) {
    try {
      return fileSystem.exists(temporary);
    } catch (IOException e) {
      failure.addSuppressed(e);
      return true;
    }
  }

  private void check(Path path, Check check) throws IOException {
    try (InputStream written = fileSystem.open(path)) {
      check.accept(written);
    }
  }
}
