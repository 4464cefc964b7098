package org.sparkbatchnorm.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine;

/**
 * A command that ran in this JVM.
 *
 * @param exitCode what the process would end with
 * @param out all of stdout
 * @param err all of stderr
 */
record CommandRun(int exitCode, String out, String err) {
  private static final Pattern BAD_DATA =
      Pattern.compile("error: (.+?)( at byte [0-9]+)?: ([A-Z0-9_]+): (.+)\n");

  static CommandRun of(Object... arguments) {
    String[] words = new String[arguments.length];
    for (int i = 0; i < words.length; i++) {
      words[i] = arguments[i].toString();
    }
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine line = Main.commandLine();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    int exitCode = line.execute(words);
    return new CommandRun(exitCode, out.toString(), err.toString());
  }

  /** Exit code 0, and not a word on stderr. */
  CommandRun requireDone() {
    assertThat(err).isEmpty();
    assertThat(exitCode).isEqualTo(Main.DONE);
    return this;
  }

  /** Nothing but one line on stderr. */
  void requireError(int expectedCode, String message) {
    assertThat(err).isEqualTo("error: " + message + "\n");
    assertThat(exitCode).isEqualTo(expectedCode);
    assertThat(out).isEmpty();
  }

  /** Exit code 3 and nothing but one line on stderr, that names the file and the code. */
  void requireBadData(Path file, String code) {
    Matcher line = BAD_DATA.matcher(err);
    assertThat(line.matches()).as("one line of the expected form: " + err).isTrue();
    assertThat(line.group(1)).isEqualTo(file.toString());
    assertThat(line.group(3)).as(err).isEqualTo(code);
    assertThat(err.substring(0, err.length() - 1)).doesNotContainPattern("\\p{Cntrl}");
    assertThat(exitCode).isEqualTo(Main.BAD_DATA);
    assertThat(out).isEmpty();
  }
}
