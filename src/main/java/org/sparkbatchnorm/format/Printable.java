package org.sparkbatchnorm.format;

/**
 * Text from a file, made safe to print: a name in a hostile file must not move the cursor or forge
 * a log line.
 */
public final class Printable {
  private static final int LONGEST = 300;

  private Printable() {}

  /**
   * The text with control, format, unassigned and lone surrogate characters written as {@code
   * \\uXXXX}, cut after 300 characters.
   */
  public static String escape(String text) {
    return escape(text, LONGEST);
  }

  static String escape(String text, int longest) {
    StringBuilder printable = new StringBuilder(Math.min(text.length(), longest) + 16);
    for (int i = 0; i < text.length(); ) {
      if (i >= longest) {
        return printable.append("... (").append(text.length()).append(" characters)").toString();
      }
      int codePoint = text.codePointAt(i);
      i += Character.charCount(codePoint);
      switch (Character.getType(codePoint)) {
        case Character.CONTROL,
            Character.FORMAT,
            Character.UNASSIGNED,
            Character.SURROGATE,
            Character.LINE_SEPARATOR,
            Character.PARAGRAPH_SEPARATOR ->
            printable.append(String.format("\\u%04x", codePoint));
        default -> printable.appendCodePoint(codePoint);
      }
    }
    return printable.toString();
  }
}
