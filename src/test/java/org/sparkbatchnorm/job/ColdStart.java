package org.sparkbatchnorm.job;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The program as a user starts it: a new JVM, nothing compiled yet, splits as it cuts them. */
final class ColdStart {
  private ColdStart() {}

  /** {@code seconds.scan} of the report. */
  static double run(Path launcher, Path input, int tasks, Path work)
      throws IOException, InterruptedException {
    Path report = work.resolve("cold.json");
    Path log = work.resolve("cold.log");
    Process process =
        new ProcessBuilder(
                launcher.toString(),
                "--master",
                "local[" + tasks + "]",
                "--",
                "recalibrate",
                "--input",
                input.toString(),
                "--output",
                work.resolve("cold.safetensors").toString(),
                "--overwrite",
                "--report",
                report.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    if (process.waitFor() != 0) {
      throw new IOException("scripts/spark-batchnorm failed:\n" + Files.readString(log));
    }
    return new ObjectMapper()
        .readTree(report.toFile())
        .required("seconds")
        .required("scan")
        .asDouble();
  }
}
