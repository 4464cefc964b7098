package org.sparkbatchnorm.job;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A Python that waits to be told when it is its turn, and works on what lies in its memory. It ends
 * where this JVM does.
 */
final class TorchReference {
  private final BufferedReader answers;
  private final BufferedWriter questions;
  private final String versions;
  private final long bytes;

  private TorchReference(Process process, BufferedReader answers, String versions, long bytes) {
    this.answers = answers;
    this.questions = process.outputWriter();
    this.versions = versions;
    this.bytes = bytes;
  }

  /**
   * Starts it.
   *
   * @param options for the script
   * @param environment variables that it has besides this JVM's
   * @param bytes of a pass
   * @param log where its errors go
   * @return nothing where this Python lacks numpy or torch
   */
  static Optional<TorchReference> start(
      String python,
      Path script,
      List<String> options,
      Map<String, String> environment,
      long bytes,
      Path log)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(python, script.toString()));
    command.addAll(options);
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
    builder.environment().putAll(environment);
    Process process;
    try {
      process = builder.start();
    } catch (IOException e) {
      return Optional.empty();
    }
    BufferedReader answers = process.inputReader();
    String greeting = answers.readLine();
    if (greeting == null || !greeting.startsWith("ready ")) {
      process.destroy();
      return Optional.empty();
    }
    return Optional.of(
        new TorchReference(process, answers, greeting.substring("ready ".length()), bytes));
  }

  /** Of numpy and PyTorch. */
  String versions() {
    return versions;
  }

  /** Bytes of a pass. */
  long bytes() {
    return bytes;
  }

  /** Seconds of one pass. */
  double run(String name, int threads) throws IOException {
    questions.write(name + " " + threads + "\n");
    questions.flush();
    String answer = answers.readLine();
    if (answer == null) {
      throw new IOException("Python ended in the middle of " + name);
    }
    return Double.parseDouble(answer);
  }
}
