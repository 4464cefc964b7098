package org.sparkbatchnorm.job;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.sparkbatchnorm.format.Printable;

/**
 * The text of a job file, wherever it was read from.
 *
 * @param name what the user knows the file by; stands in messages
 * @param text its content
 * @param folder the folder it lies in, as an absolute path or a URI; relative paths in the file are
 *     relative to it
 */
public record JobFile(String name, String text, String folder) {

  /**
   * A job file of these bytes.
   *
   * @throws JobSpecException if they are not UTF-8
   */
  public static JobFile decode(String name, byte[] content, String folder) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString();
      return new JobFile(name, text, folder);
    } catch (CharacterCodingException e) {
      throw new JobSpecException(name + ": not a text in UTF-8");
    }
  }

  /** A place in the file, for messages; lines count from 1. */
  String place(int line) {
    return Printable.escape(name) + ":" + line;
  }
}
