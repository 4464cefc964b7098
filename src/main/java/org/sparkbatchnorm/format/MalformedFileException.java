package org.sparkbatchnorm.format;

import java.io.IOException;

/**
 * A file is not what it must be: malformed, truncated, or holding what cannot be used. Carries a
 * stable code (what scripts test for), the file, the offset of the byte where it went wrong, and a
 * reason that says what was found and what was expected.
 */
public final class MalformedFileException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Where a problem has no single place in the file. */
  public static final long NO_OFFSET = -1;

  /** Characters of a reason: room for several names, each cut to what a name may take. */
  private static final int LONGEST_REASON = 4000;

  private final String file;
  private final long offset;
  private final String code;
  private final String reason;

  /**
   * An exception whose message is {@code FILE at byte OFFSET: CODE: REASON}.
   *
   * @param file what the user knows the file by
   * @param offset byte offset in the file, or {@link #NO_OFFSET}
   * @param code upper-case words joined by {@code _}
   * @param reason found and expected, one sentence without a full stop; control characters in it
   *     are escaped
   */
  public MalformedFileException(String file, long offset, String code, String reason) {
    super(message(file, offset, code, Printable.escape(reason, LONGEST_REASON)));
    this.file = file;
    this.offset = offset;
    this.code = code;
    this.reason = Printable.escape(reason, LONGEST_REASON);
  }

  /** Texts that are escaped already. */
  private MalformedFileException(
      String message, String file, long offset, String code, String reason) {
    super(message);
    this.file = file;
    this.offset = offset;
    this.code = code;
    this.reason = reason;
  }

  /** The same without what caused it, which may not be serializable. */
  public MalformedFileException withoutCause() {
    return new MalformedFileException(getMessage(), file, offset, code, reason);
  }

  private static String message(String file, long offset, String code, String reason) {
    String place = offset == NO_OFFSET ? "" : " at byte " + offset;
    return Printable.escape(file) + place + ": " + code + ": " + reason;
  }

  /** The file's path or URI. */
  public String file() {
    return file;
  }

  /** Byte offset in the file, or {@link #NO_OFFSET}. */
  public long offset() {
    return offset;
  }

  /** The stable code. */
  public String code() {
    return code;
  }

  /** Found and expected. */
  public String reason() {
    return reason;
  }
}
