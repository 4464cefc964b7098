package org.sparkbatchnorm.storage;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A temporary file, forced to the disk, then an atomic move or, where nothing may be replaced, a
 * hard link: with 8 threads Hadoop's exclusive create had several winners, and a link never had.
 */
final class LocalCommit implements Commit {
  private static final Logger LOG = LoggerFactory.getLogger(LocalCommit.class);

  private final Path target;
  private final Path folder;
  private final Overwrite overwrite;

  LocalCommit(Path target, Overwrite overwrite) {
    this.target = target;
    this.folder = target.toAbsolutePath().getParent();
    this.overwrite = overwrite;
  }

  @Override
  public void publish(Publication.Content content, Check check) throws IOException {
    Path temporary = folder.resolve(Commit.temporaryName());
    try {
      try (FileChannel channel =
              FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
          OutputStream out = Channels.newOutputStream(channel)) {
        content.writeTo(out);
        channel.force(true);
      }
      try (InputStream written = Files.newInputStream(temporary)) {
        check.accept(written);
      }
      deleteStaleChecksum();
      if (overwrite == Overwrite.REPLACE) {
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      } else {
        link(temporary);
      }
    } finally {
      deleteTemporary(temporary);
    }
    forceFolder();
  }

  /**
   * A checksum that Hadoop kept for what stood here would refuse the new file. It goes first: the
   * old file without it is still right. It stays with a file that must stay.
   */
  private void deleteStaleChecksum() throws IOException {
    Path checksum = folder.resolve("." + target.getFileName() + ".crc");
    boolean ofAFileThatStays = overwrite == Overwrite.REFUSE && Files.exists(target);
    if (!ofAFileThatStays && Files.exists(checksum)) {
      Files.delete(checksum);
    }
  }

  private void link(Path temporary) throws IOException {
    try {
      Files.createLink(target, temporary);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (FileSystemException | UnsupportedOperationException e) {
      throw new IOException(
          e.getMessage()
              + "; where the disk knows no hard links, only --overwrite (checkpoint.overwrite)"
              + " can write",
          e);
    }
  }

  /** What is in its place stays there, whatever becomes of the temporary name. */
  private static void deleteTemporary(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      LOG.warn("left behind {}", temporary, e);
    }
  }

  /** So that the name outlives a loss of power; the file is in its place already. */
  private void forceFolder() {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      LOG.warn("wrote {}, but its folder could not be forced to the disk", target, e);
    }
  }
}
