package org.sparkbatchnorm.format.npy;

import java.nio.charset.StandardCharsets;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * The tokens of a Python literal, asked for one by one: the caller says what must come next, and
 * anything else is HEADER_DICT at its offset. Of Python's grammar it knows what numpy writes:
 * strings without escapes, words, decimal integers, brackets, optional white space.
 */
final class LiteralScanner {
  /** What {@link #peek} returns after the last byte. */
  static final int END = -1;

  /** Structured types nest; deeper than this is no type. */
  private static final int MAX_DEPTH = 16;

  private final String file;
  private final long fileOffset;
  private final byte[] literal;
  private int next;

  /** A literal that stands at this offset in the file. */
  LiteralScanner(String file, long fileOffset, byte[] literal) {
    this.file = file;
    this.fileOffset = fileOffset;
    this.literal = literal;
  }

  /** First byte of the next token, which stays; {@link #END} if there is none. */
  int peek() {
    while (next < literal.length
        && (literal[next] == ' '
            || literal[next] == '\n'
            || literal[next] == '\r'
            || literal[next] == '\t')) {
      next++;
    }
    return next < literal.length ? literal[next] & 0xff : END;
  }

  /** Offset in the file of the next token. */
  long offset() {
    peek();
    return fileOffset + next;
  }

  /** Takes the next token if it is this character. */
  boolean takes(char symbol) {
    if (peek() != symbol) {
      return false;
    }
    next++;
    return true;
  }

  /** Takes the next token, which must be this character. */
  void expect(char symbol, String expected) throws MalformedFileException {
    if (!takes(symbol)) {
      throw unexpected(expected);
    }
  }

  /** Takes the next bytes if they are this word. */
  boolean takesWord(String word) {
    peek();
    int end = next + word.length();
    if (end > literal.length
        || !word.equals(new String(literal, next, word.length(), StandardCharsets.ISO_8859_1))) {
      return false;
    }
    next = end;
    return true;
  }

  /** Takes a string in either kind of quotation marks. */
  String string(String expected) throws MalformedFileException {
    int quote = peek();
    if (quote != '\'' && quote != '"') {
      throw unexpected(expected);
    }
    next++;
    int start = next;
    while (next < literal.length && literal[next] != quote) {
      if (literal[next] < ' ' || literal[next] == 0x7f || literal[next] == '\\') {
        throw unexpected("a string of plain ASCII without escapes");
      }
      next++;
    }
    if (next == literal.length) {
      throw unexpected("the end of a string");
    }
    return new String(literal, start, next++ - start, StandardCharsets.US_ASCII);
  }

  /** Takes the digits of a decimal integer, with its sign if it is negative. */
  String integer(String expected) throws MalformedFileException {
    peek();
    int start = next;
    int digits = next < literal.length && literal[next] == '-' ? next + 1 : next;
    int end = digits;
    while (end < literal.length && literal[end] >= '0' && literal[end] <= '9') {
      end++;
    }
    if (end == digits || (end - digits > 1 && literal[digits] == '0')) {
      throw unexpected(expected);
    }
    next = end;
    return new String(literal, start, end - start, StandardCharsets.US_ASCII);
  }

  /** Looks ahead: from here on, brackets must not nest deeper than a type could. */
  void requireModestDepth() throws MalformedFileException {
    int depth = 0;
    for (int i = next; i < literal.length; i++) {
      switch (literal[i]) {
        case '(', '[', '{' -> depth++;
        case ')', ']', '}' -> depth--;
        default -> {}
      }
      if (depth > MAX_DEPTH) {
        throw malformed(fileOffset + i, "HEADER_DICT", "brackets nested deeper than " + MAX_DEPTH);
      }
    }
  }

  /** The exception for a next token that is not what it must be. */
  MalformedFileException unexpected(String expected) {
    String found =
        next == literal.length
            ? "the header ends"
            : literal[next] > ' ' && literal[next] < 0x7f
                ? "found '" + (char) literal[next] + "'"
                : String.format("found byte 0x%02x", literal[next] & 0xff);
    return malformed(fileOffset + next, "HEADER_DICT", found + ", expected " + expected);
  }

  /** What is wrong at an offset in the file. */
  MalformedFileException malformed(long offset, String code, String reason) {
    return new MalformedFileException(file, offset, code, reason);
  }
}
