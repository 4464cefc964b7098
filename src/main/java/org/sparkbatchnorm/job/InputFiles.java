package org.sparkbatchnorm.job;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * The files of a job's inputs and their one format.
 *
 * @param format of all of them
 * @param files ordered by URI, at least one
 */
record InputFiles(InputFormat format, List<StoredFile> files) {

  /**
   * Lists the inputs. Files whose extension is of no format we read, or not of the one asked for,
   * are passed over; where the format is said and no file has its extension, all files are taken.
   *
   * @param outputs URIs of files that the job itself writes: an output may lie inside an input
   *     folder, and is no input when the job runs again
   * @throws MalformedFileException if an input cannot be listed, or holds no file to read
   * @throws JobSpecException if the files are of several formats and none is said
   */
  static InputFiles list(Storage storage, JobSpec.Input input, Set<String> outputs)
      throws MalformedFileException {
    List<StoredFile> all =
        storage.list(input.paths()).stream().filter(file -> !outputs.contains(file.uri())).toList();
    InputFormat format = input.format().orElseGet(() -> onlyFormat(all));
    List<StoredFile> ofFormat = ofFormat(all, format);
    List<StoredFile> files = ofFormat.isEmpty() && input.format().isPresent() ? all : ofFormat;
    if (files.isEmpty()) {
      throw new MalformedFileException(
          input.paths().stream().map(StoredFile::display).collect(Collectors.joining(", ")),
          MalformedFileException.NO_OFFSET,
          "NO_INPUT",
          "no file to read was found, but at least one " + extensions() + " file is expected");
    }
    return new InputFiles(format, files);
  }

  private static InputFormat onlyFormat(List<StoredFile> files) {
    List<InputFormat> found =
        Arrays.stream(InputFormat.values())
            .filter(format -> !ofFormat(files, format).isEmpty())
            .toList();
    if (found.size() > 1) {
      throw new JobSpecException(
          "the input holds files of several formats ("
              + found.stream().map(InputFormat::word).collect(Collectors.joining(", "))
              + "); say which with --format (input.format)");
    }
    return found.isEmpty() ? InputFormat.SAFETENSORS : found.get(0);
  }

  private static List<StoredFile> ofFormat(List<StoredFile> files, InputFormat format) {
    return files.stream().filter(file -> file.name().endsWith(extension(format))).toList();
  }

  private static String extension(InputFormat format) {
    return "." + format.word();
  }

  private static String extensions() {
    return Arrays.stream(InputFormat.values())
        .map(InputFiles::extension)
        .collect(Collectors.joining(" or "));
  }

  /**
   * Lists the inputs once more: where Spark reads the files, nobody else sees that one changed.
   *
   * @throws MalformedFileException {@code SHARD_CHANGED} if a file is not what it was
   */
  void requireUnchanged(Storage storage, JobSpec.Input input) throws MalformedFileException {
    Set<StoredFile> now = new HashSet<>(storage.list(input.paths()));
    for (StoredFile file : files) {
      if (!now.contains(file)) {
        throw new MalformedFileException(
            file.display(),
            MalformedFileException.NO_OFFSET,
            "SHARD_CHANGED",
            "the file changed or went away while the job ran; it was planned with "
                + file.length()
                + " bytes, modified at "
                + file.modifiedMillis());
      }
    }
  }

  long bytes() {
    return files.stream().mapToLong(StoredFile::length).sum();
  }
}
