package org.sparkbatchnorm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.launcher.JavaModuleOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jar that spark-submit takes: what it holds, and that it runs on Spark's own jars. */
class AssemblyContentIT {
  private static final Path ASSEMBLY = Path.of(System.getProperty("assembly"));

  /** Of {@code org/sparkbatchnorm/shaded}, packages are listed to this depth. */
  private static final int SHADED_DEPTH = 4;

  @TempDir private Path folder;

  /**
   * Compared with src/test/resources/assembly-content.txt: whoever adds a dependency adds its line
   * there, and thinks about what else the cluster has of it.
   */
  @Test
  void itsPackagesAndResourcesAreThoseOfTheList() throws IOException {
    Set<String> expected = new TreeSet<>();
    try (InputStream list = getClass().getResourceAsStream("/assembly-content.txt")) {
      new String(list.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#"))
          .forEach(expected::add);
    }
    assertThat(groups()).containsExactlyElementsOf(expected);
  }

  /** A folder of classes of ours stands for all below it; other files stand for themselves. */
  private static Set<String> groups() throws IOException {
    Set<String> groups = new TreeSet<>();
    try (JarFile jar = new JarFile(ASSEMBLY.toFile())) {
      for (JarEntry entry : jar.stream().filter(entry -> !entry.isDirectory()).toList()) {
        String name = entry.getName();
        if (!name.endsWith(".class")) {
          groups.add(name);
          continue;
        }
        List<String> folders = Arrays.asList(name.split("/"));
        int depth = name.startsWith("org/sparkbatchnorm/shaded/") ? SHADED_DEPTH : 2;
        groups.add(
            folders.stream()
                    .limit(Math.min(depth, folders.size() - 1))
                    .collect(Collectors.joining("/"))
                + "/**");
      }
    }
    return groups;
  }

  /** Said apart from the list: no line there may allow them. */
  @Test
  void nothingThatTheClusterBringsIsInside() throws IOException {
    try (JarFile jar = new JarFile(ASSEMBLY.toFile())) {
      assertThat(jar.stream().map(JarEntry::getName))
          .noneMatch(
              name ->
                  Stream.of("jackson", "slf4j", "/arrow/", "hadoop", "/scala/", "apache/spark/")
                      .anyMatch(("/" + name)::contains));
    }
  }

  /** A JVM as spark-submit would start it, without a session of the tests in its way. */
  @Test
  void itRunsAJobAndStopsItsSession() throws IOException, InterruptedException {
    assertThat(run("--version")).isEqualTo("spark-batchnorm " + System.getProperty("version"));
    Path input =
        Path.of(
            System.getProperty("basedir"),
            "src/test/resources/golden/safetensors/safetensors-0.8.0/mini-batches.safetensors");
    Path output = folder.resolve("bn.safetensors");
    assertThat(run("recalibrate", "--input", input.toString(), "--output", output.toString()))
        .contains("features.1.bn", "wrote " + output);
    assertThat(output).exists();
  }

  private String run(String... arguments) throws IOException, InterruptedException {
    String sparkJars = Files.readString(ASSEMBLY.resolveSibling("spark.classpath")).strip();
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    Stream.of(JavaModuleOptions.defaultModuleOptionArray()).forEach(command::add);
    command.addAll(
        List.of(
            "-Xmx1g",
            "-Dspark.master=local[2]",
            "-Dspark.ui.enabled=false",
            "-Dspark.driver.bindAddress=127.0.0.1",
            "-Dspark.driver.host=127.0.0.1",
            "-cp",
            ASSEMBLY + ":" + sparkJars,
            "org.sparkbatchnorm.cli.Main"));
    command.addAll(List.of(arguments));
    Path err = folder.resolve("stderr.txt");
    Process process = new ProcessBuilder(command).redirectError(err.toFile()).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(Files.readString(err)).isZero();
    return out.strip();
  }
}
