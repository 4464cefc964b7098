package org.sparkbatchnorm.storage;

import java.io.Serializable;

/**
 * A file as it was when it was listed.
 *
 * @param uri what Hadoop opens it by
 * @param name its path relative to the input folder or to the fixed part of the glob, {@code /}
 *     between components; for an input that is a file, its base name
 * @param length in bytes
 * @param modifiedMillis modification time in milliseconds since 1970
 */
public record StoredFile(String uri, String name, long length, long modifiedMillis)
    implements Serializable {
  private static final long serialVersionUID = 1L;

  /** What messages call it: its URI, without the scheme for a file on the local disk. */
  public String display() {
    return display(uri);
  }

  /** A path or URI as messages show it: without the scheme where it is a file on the local disk. */
  public static String display(String uri) {
    return uri.startsWith("file:")
        ? uri.substring("file:".length()).replaceFirst("^//+", "/")
        : uri;
  }
}
