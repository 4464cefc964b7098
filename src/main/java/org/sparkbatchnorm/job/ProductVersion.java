package org.sparkbatchnorm.job;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** This program's version, as the build wrote it. */
public final class ProductVersion {
  private static final String RESOURCE = "/org/sparkbatchnorm/version.txt";

  private ProductVersion() {}

  /** As {@code 0.1.0}. */
  public static String text() {
    try (InputStream in = ProductVersion.class.getResourceAsStream(RESOURCE)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
