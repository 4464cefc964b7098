package org.sparkbatchnorm.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChangedBytesTest {
  private static final byte[] ORIGINAL = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

  private static ChangedBytes changed(ByteChange... changes) {
    return new ChangedBytes(ReadableBytes.of("model", ORIGINAL), Arrays.asList(changes));
  }

  @Test
  void everyPartOfTheFileShowsTheChangesThatFallIntoIt() throws IOException {
    ChangedBytes file =
        changed(
            ByteChange.of(6, new byte[] {60, 70}),
            ByteChange.of(1, new byte[] {10, 20, 30}),
            ByteChange.of(9, new byte[] {90}),
            ByteChange.of(5, new byte[0]));
    byte[] whole = {0, 10, 20, 30, 4, 5, 60, 70, 8, 90};
    for (int from = 0; from <= whole.length; from++) {
      for (int to = from; to <= whole.length; to++) {
        byte[] read = new byte[to - from + 2];
        file.readFully(from, read, 1, to - from);
        assertThat(Arrays.copyOfRange(read, 1, read.length - 1))
            .isEqualTo(Arrays.copyOfRange(whole, from, to));
        assertThat(read[0] + read[read.length - 1]).isZero();
      }
    }
    assertThat(file.length()).isEqualTo(10);
  }

  @Test
  void changesThatOverlapOrReachBeyondTheFileAreRefused() {
    ByteChange change = ByteChange.of(4, new byte[3]);
    assertThatThrownBy(() -> changed(change, ByteChange.of(6, new byte[1])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("1 bytes at 6 overlap others, or reach beyond the 10 of model");
    assertThatThrownBy(() -> changed(ByteChange.of(8, new byte[3])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("3 bytes at 8");
    assertThatThrownBy(() -> ByteChange.of(-1, new byte[1]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("offset is -1, but must be at least 0");
    assertThat(List.of(change.offset(), change.end(), (long) change.length()))
        .containsExactly(4L, 7L, 3L);
  }
}
