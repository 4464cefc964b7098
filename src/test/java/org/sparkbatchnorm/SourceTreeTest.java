package org.sparkbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the main source files themselves must and must not hold. */
class SourceTreeTest {
  /** The aim is 250; from here on a file holds more than one thing. */
  private static final int MOST_LINES = 300;

  private static final Path ROOT =
      Path.of(System.getProperty("basedir", ""), "src", "main", "java", "org", "sparkbatchnorm");

  private static final List<Path> SOURCES = new ArrayList<>();

  @BeforeAll
  static void findSources() throws IOException {
    SOURCES.clear();
    try (Stream<Path> files = Files.walk(ROOT)) {
      files.filter(file -> file.toString().endsWith(".java")).forEach(SOURCES::add);
    }
    assertThat(SOURCES).contains(ROOT.resolve(Path.of("kernel", "BatchNorm.java")));
  }

  @Test
  void noFileIsLong() throws IOException {
    for (Path source : SOURCES) {
      assertThat(Files.readAllLines(source)).as(source.toString()).hasSizeLessThan(MOST_LINES + 1);
    }
  }

  @Test
  void nothingIsLeftForLater() throws IOException {
    assertThat(linesOf(SOURCES, line -> line.contains("TODO") || line.contains("FIXME"))).isEmpty();
  }

  @Test
  void onlyTheCommandLinePrints() throws IOException {
    List<Path> others =
        SOURCES.stream().filter(source -> !source.startsWith(ROOT.resolve("cli"))).toList();
    assertThat(linesOf(others, line -> line.contains("System.out"))).isEmpty();
  }

  @Test
  void everyPackageSaysWhatItIs() {
    assertThat(SOURCES.stream().map(Path::getParent).distinct())
        .allSatisfy(room -> assertThat(room.resolve("package-info.java")).exists());
  }

  private static List<String> linesOf(List<Path> sources, Predicate<String> wanted)
      throws IOException {
    List<String> found = new ArrayList<>();
    for (Path source : sources) {
      int number = 0;
      for (String line : Files.readAllLines(source)) {
        number++;
        if (wanted.test(line)) {
          found.add(ROOT.relativize(source) + ":" + number + ": " + line.strip());
        }
      }
    }
    return found;
  }
}
