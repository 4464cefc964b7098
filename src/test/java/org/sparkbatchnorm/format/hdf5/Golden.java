package org.sparkbatchnorm.format.hdf5;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.sparkbatchnorm.format.ReadableBytes;

/** Files that h5py wrote. */
final class Golden {
  static final Path FOLDER =
      Path.of(
          System.getProperty("basedir", ""),
          "src/test/resources/golden/hdf5/h5py-3.14.0".split("/"));

  private Golden() {}

  static byte[] bytes(String name) throws IOException {
    return Files.readAllBytes(FOLDER.resolve(name));
  }

  static ReadableBytes file(String name) throws IOException {
    return ReadableBytes.of(name, bytes(name));
  }
}
