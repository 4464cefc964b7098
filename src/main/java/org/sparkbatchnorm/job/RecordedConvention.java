package org.sparkbatchnorm.job;

import org.sparkbatchnorm.checkpoint.Checkpoint;
import org.sparkbatchnorm.checkpoint.MetadataKeys;
import org.sparkbatchnorm.checkpoint.ModelFormat;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.layer.Convention;

/** Which convention the numbers of a file follow. */
final class RecordedConvention {
  private RecordedConvention() {}

  /**
   * What the file records, else its format's.
   *
   * @param file what messages call it
   * @throws MalformedFileException METADATA if it records none that is known
   */
  static Convention of(String file, Checkpoint checkpoint, ModelFormat format)
      throws MalformedFileException {
    String word = checkpoint.metadata().get(MetadataKeys.CONVENTION);
    if (word == null) {
      return format.convention();
    }
    return Convention.ofWord(word)
        .orElseThrow(
            () ->
                new MalformedFileException(
                    file,
                    MalformedFileException.NO_OFFSET,
                    "METADATA",
                    MetadataKeys.CONVENTION
                        + " is '"
                        + word
                        + "', expected one of "
                        + String.join(", ", Convention.words())));
  }
}
