package org.sparkbatchnorm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;

/** A model file with every byte changed in turn, and cut everywhere. */
final class DamagedModel {
  private DamagedModel() {}

  /**
   * Checks that damage is found, or means nothing: cut, no file is read; with a bit of one byte
   * flipped, it is rejected or read as if it were whole.
   *
   * @return how many bytes mean nothing
   */
  static int requireRejectedOrTheSame(ModelFormat format, byte[] file) throws IOException {
    Checkpoint expected = Model.decode(format, ReadableBytes.of("x", file));
    int same = 0;
    for (int at = 0; at < file.length; at++) {
      byte[] flipped = file.clone();
      flipped[at] ^= (byte) (1 << at % 8);
      try {
        assertThat(Model.decode(format, ReadableBytes.of("x", flipped)))
            .as("byte %d", at)
            .isEqualTo(expected);
        same++;
      } catch (MalformedFileException e) {
        assertThat(e.code()).isNotEmpty();
      }
      byte[] cut = Arrays.copyOf(file, at);
      assertThatThrownBy(() -> Model.decode(format, ReadableBytes.of("x", cut)))
          .isInstanceOf(MalformedFileException.class);
    }
    return same;
  }
}
