package org.sparkbatchnorm.storage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;

/** Files, folders and globs on the local disk: what is found, under which name, in which order. */
class InputListingTest {
  private static final Storage STORAGE = Storage.of(new Configuration());

  @TempDir private Path folder;

  private Path write(String name) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(file, name);
  }

  /** Inputs below the test's folder. */
  private List<StoredFile> list(String... inputs) throws MalformedFileException {
    List<String> paths = new ArrayList<>();
    for (String input : inputs) {
      paths.add(folder + "/" + input);
    }
    return STORAGE.list(paths);
  }

  private List<String> names(String... inputs) throws MalformedFileException {
    return list(inputs).stream().map(StoredFile::name).toList();
  }

  @Test
  void aFileIsCalledByItsBaseName() throws IOException {
    Path file = write("run/bn1.npy");
    assertThat(list("run/bn1.npy"))
        .containsExactly(
            new StoredFile(
                "file:" + file,
                "bn1.npy",
                "run/bn1.npy".length(),
                Files.getLastModifiedTime(file).toMillis()));
  }

  @Test
  void aFileInAFolderIsCalledByItsPathInTheFolder() throws IOException {
    write("run/b.npy");
    write("run/deep/er/a.npy");
    assertThat(names("run")).containsExactly("b.npy", "deep/er/a.npy");
    assertThat(names("run/")).containsExactly("b.npy", "deep/er/a.npy");
    assertThat(names("")).containsExactly("run/b.npy", "run/deep/er/a.npy");
  }

  @Test
  void aFileOfAGlobIsCalledByItsPathBelowTheFixedPart() throws IOException {
    write("run/1/x/b.npy");
    write("run/2/x/a.npy");
    write("run/2/y/a.npy");
    assertThat(names("run/*/x/*.npy")).containsExactly("1/x/b.npy", "2/x/a.npy");
    assertThat(names("run/2/?/a.npy")).containsExactly("x/a.npy", "y/a.npy");
    assertThat(names("run/[2-3]/*")).containsExactly("2/x/a.npy", "2/y/a.npy");
    assertThat(names("run/{1,2}/{x,z}")).containsExactly("1/x/b.npy", "2/x/a.npy");
    assertThat(names("run/{1/x,2/y}/*.npy")).containsExactly("1/x/b.npy", "2/y/a.npy");
    assertThat(names("run/*")).containsExactly("1/x/b.npy", "2/x/a.npy", "2/y/a.npy");
  }

  @Test
  void theOrderIsThatOfTheUris() throws IOException {
    List<String> written = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      written.add("run/%s/%d.npy".formatted((char) ('a' + i % 5), i));
    }
    long seed = 7;
    Collections.shuffle(written, new Random(seed));
    for (String name : written) {
      write(name);
    }
    Collections.sort(written);
    assertThat(list("run").stream().map(StoredFile::uri))
        .as("seed " + seed)
        .containsExactlyElementsOf(
            written.stream().map(name -> "file:" + folder + "/" + name).toList());
    assertThat(list("run/*/*", "run")).map(StoredFile::uri).isSorted();
  }

  @Test
  void aFileThatSeveralInputsHoldIsListedOnceAndNamedByTheFirst() throws IOException {
    write("run/sub/a.npy");
    write("run/b.npy");
    assertThat(names("run", "run/sub", "run/sub/a.npy", "run", "run/*/*.npy"))
        .containsExactly("b.npy", "sub/a.npy");
    assertThat(names("run/sub", "run", "run")).containsExactly("b.npy", "a.npy");
    assertThat(STORAGE.list(List.of(folder + "/run/b.npy", "file://" + folder + "//run/./b.npy")))
        .hasSize(1);
  }

  @Test
  void hiddenNamesArePassedOverAsSparkDoes() throws IOException {
    write("run/.hidden.npy");
    write("run/_SUCCESS");
    write("run/_temporary/0/a.npy");
    write("run/.folder/a.npy");
    write("run/b.npy._COPYING_");
    write("run/_layer=bn1/a.npy");
    write("run/x_/y.z");
    assertThat(names("run")).containsExactly("_layer=bn1/a.npy", "x_/y.z");
    assertThat(names("run/*")).containsExactly("_layer=bn1/a.npy", "x_/y.z");
    assertThat(names("run/*/a.npy")).containsExactly("_layer=bn1/a.npy");
    assertThat(names("run/*/?.*")).containsExactly("_layer=bn1/a.npy", "x_/y.z");
  }

  @Test
  void hiddenNamesThatAreSpelledOutAreTaken() throws IOException {
    write("run/_a/.b.npy");
    write("run/_a/c.npy");
    write("run/1/_a/d.npy");
    assertThat(names("run/_a/.b.npy")).containsExactly(".b.npy");
    assertThat(names("run/_a")).containsExactly("c.npy");
    assertThat(names("run/_a/*")).containsExactly("c.npy");
    assertThat(names("run/*/_a/*")).containsExactly("1/_a/d.npy");
  }

  @Test
  void theChecksumFilesOfHadoopsLocalDiskAreNotListed() throws IOException {
    write("run/a.npy");
    write("run/.a.npy.crc");
    assertThat(names("run")).containsExactly("a.npy");
    assertThat(names("run/*")).containsExactly("a.npy");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "with space.npy",
        " leading and trailing ",
        "50%.npy",
        "a%20b.npy",
        "2026-01-01T00:00:00.npy",
        "a:b/c:d.npy",
        "plus+and&and=.npy",
        "hash#question?.npy",
        "[1].npy",
        "star*.npy",
        "{a,b}.npy",
        "back\\slash.npy",
        "quote'\".npy",
        "new\nline.npy",
        "слой 层 é 😀.npy",
        "~tilde$HOME.npy",
      })
  void anyNameIsFoundByItselfAndInItsFolderAndRead(String name) throws IOException {
    assumeTrue(
        name.chars().allMatch(c -> c < 128)
            || "UTF-8".equals(System.getProperty("sun.jnu.encoding")));
    write("run/" + name);
    write("run/decoy/other.npy");
    String base = name.substring(name.lastIndexOf('/') + 1);
    assertThat(names("run/" + name)).containsExactly(base);
    assertThat(names("run")).containsExactlyInAnyOrder(name, "decoy/other.npy");
    assertThat(names("run/*")).containsExactlyInAnyOrder(name, "decoy/other.npy");
    for (StoredFile file : list("run/" + name)) {
      byte[] content = new byte[(int) file.length()];
      try (StoredInput input = STORAGE.open(file)) {
        input.readNext(content, 0, content.length);
      }
      assertThat(new String(content, UTF_8)).isEqualTo("run/" + name);
    }
  }

  @Test
  void aGlobBesideNamesWithColonsMatches() throws IOException {
    write("run/12:00/a.npy");
    write("run/13:00/a.npy");
    assertThat(names("run/1?:00/*.npy")).containsExactly("12:00/a.npy", "13:00/a.npy");
    assertThat(names("run/12:00/*.npy")).containsExactly("a.npy");
    assertThat(names("run/*/a.npy")).containsExactly("12:00/a.npy", "13:00/a.npy");
  }

  @Test
  void aBackslashTakesAWildcardsMeaningAway() throws IOException {
    write("run/a*.npy");
    write("run/ab.npy");
    write("run[1]/b.npy");
    assertThat(names("run/a\\*.npy")).containsExactly("a*.npy");
    assertThat(names("run\\[1\\]/*.npy")).containsExactly("run[1]/b.npy");
  }

  @Test
  void anEmptyFolderHoldsNothing() throws IOException {
    Files.createDirectories(folder.resolve("run/empty"));
    assertThat(names("run")).isEmpty();
    assertThat(names("run/*")).isEmpty();
  }

  @Test
  void aFolderNamedLikeAFileIsAFolder() throws IOException {
    write("x.safetensors/a.npy");
    assertThat(names("x.safetensors")).containsExactly("a.npy");
    assertThat(names("*.safetensors")).containsExactly("x.safetensors/a.npy");
    assertThat(STORAGE.isFolder(folder + "/x.safetensors")).isTrue();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          absent          | IO_NOT_FOUND: File %s/absent does not exist
          a.npy/below     | IO_NOT_FOUND: File %s/a.npy/below does not exist
          *.absent        | IO_NOT_FOUND: the pattern matches no file; wildcards pass over names \
          that begin with _ or .
          absent/*.npy    | IO_NOT_FOUND: the pattern matches no file; wildcards pass over names \
          that begin with _ or .
          a.npy/*         | IO_NOT_FOUND: the pattern matches no file; wildcards pass over names \
          that begin with _ or .
          [a.npy          | PATH: Illegal file pattern: error parsing regexp: Unclosed character \
          class at pos 6: `[a.npy`
          {a,b            | PATH: Illegal file pattern: error parsing regexp: Unclosed group at \
          pos 4: `{a,b`
          """)
  void whatIsNotThereIsNamed(String input, String reason) throws IOException {
    write("a.npy");
    assertThatThrownBy(() -> list(input))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(folder + "/" + input + ": " + reason.replace("%s", folder.toString()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''              | : PATH: not a path or URI: Can not create a Path from an empty string
          a:b             | a:b: PATH: not a path or URI: java.net.URISyntaxException: \
          Relative path in absolute URI: a:b
          nosuch://h/x    | nosuch://h/x: IO_READ: No FileSystem for scheme "nosuch"
          hdfs:///x       | hdfs:///x: IO_READ: Incomplete HDFS URI, no host: hdfs:///x
          hdfs://a.invalid/x | hdfs://a.invalid/x: PATH: not a usable path: \
          java.net.UnknownHostException: a.invalid
          """)
  void whatIsNoPathOfAnyFileSystemIsRefused(String input, String message) {
    assertThatThrownBy(() -> STORAGE.list(List.of(input)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> STORAGE.file(input))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(message);
  }
}
