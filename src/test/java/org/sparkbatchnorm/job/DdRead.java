package org.sparkbatchnorm.job;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Files read by {@code dd bs=1M}: what the page cache gives. */
final class DdRead {
  /** "copied, 0.123 s," of GNU, "transferred in 0.123 secs" of BSD. */
  private static final Pattern SECONDS = Pattern.compile("([0-9.]+(e-?[0-9]+)?) s(ecs)?\\b");

  private DdRead() {}

  /** Seconds by dd's own clock, for several at a time those of the slowest. */
  static double run(List<Path> files, int processes) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(processes);
    try {
      List<Future<Double>> parts = new ArrayList<>();
      for (int i = 0; i < processes; i++) {
        int part = i;
        parts.add(
            threads.submit(
                () -> {
                  double seconds = 0;
                  for (int file = part; file < files.size(); file += processes) {
                    seconds += run(files.get(file));
                  }
                  return seconds;
                }));
      }
      double slowest = 0;
      for (Future<Double> part : parts) {
        slowest = Math.max(slowest, part.get());
      }
      return slowest;
    } finally {
      threads.shutdownNow();
    }
  }

  private static double run(Path file) throws IOException, InterruptedException {
    ProcessBuilder dd =
        new ProcessBuilder("dd", "bs=1048576", "if=" + file, "of=/dev/null")
            .redirectErrorStream(true);
    dd.environment().put("LC_ALL", "C");
    Process process = dd.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Matcher seconds = SECONDS.matcher(said);
    if (process.waitFor() != 0 || !seconds.find()) {
      throw new IOException("dd: " + said);
    }
    return Double.parseDouble(seconds.group(1));
  }
}
