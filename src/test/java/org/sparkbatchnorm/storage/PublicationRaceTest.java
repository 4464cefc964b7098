package org.sparkbatchnorm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several at a time on the local disk: readers see whole files, and of many writers one wins. */
class PublicationRaceTest {
  private static final Storage STORAGE = Storage.of(new Configuration());
  private static final Duration LIMIT = Duration.ofMinutes(2);
  private static final int FILE_BYTES = 300_000;
  private static final int REPLACEMENTS = 200;
  private static final int WRITERS = 8;
  private static final int ROUNDS = 25;

  @TempDir private Path folder;

  private static byte[] content(int value) {
    byte[] content = new byte[FILE_BYTES];
    Arrays.fill(content, (byte) value);
    return content;
  }

  @Test
  void aReaderSeesOneWholeFileOrTheOther() {
    assertTimeoutPreemptively(
        LIMIT,
        () -> {
          Path target = folder.resolve("out.bin");
          STORAGE.publication(target.toString(), Overwrite.REFUSE).publish(content(0));
          CountDownLatch reading = new CountDownLatch(1);
          CountDownLatch written = new CountDownLatch(1);
          ExecutorService threads = Executors.newSingleThreadExecutor();
          try {
            Future<Long> reader = threads.submit(() -> readUntil(written, reading, target));
            reading.await();
            for (int i = 1; i <= REPLACEMENTS; i++) {
              STORAGE
                  .publication(target.toString(), Overwrite.REPLACE)
                  .publish(content(i % Byte.MAX_VALUE));
            }
            written.countDown();
            assertThat(reader.get()).isPositive();
          } finally {
            written.countDown();
            threads.shutdownNow();
          }
          assertThat(Files.readAllBytes(target)).isEqualTo(content(REPLACEMENTS % Byte.MAX_VALUE));
          assertThat(names()).containsExactly("out.bin");
        });
  }

  /** Opens the file again and again; each time it must be there and of one piece. */
  private static long readUntil(CountDownLatch written, CountDownLatch reading, Path target)
      throws IOException {
    long reads = 0;
    while (written.getCount() > 0) {
      byte[] found = Files.readAllBytes(target);
      assertThat(found).hasSize(FILE_BYTES);
      assertThat(found).isEqualTo(content(found[0]));
      reads++;
      reading.countDown();
    }
    return reads;
  }

  @Test
  void ofManyExclusiveWritersExactlyOneWins() {
    assertTimeoutPreemptively(
        LIMIT,
        () -> {
          CyclicBarrier start = new CyclicBarrier(WRITERS);
          ExecutorService threads = Executors.newFixedThreadPool(WRITERS);
          try {
            List<Future<List<Integer>>> writers = new ArrayList<>();
            for (int writer = 0; writer < WRITERS; writer++) {
              int id = writer;
              writers.add(threads.submit(() -> roundsWon(start, id)));
            }
            int[] winners = new int[ROUNDS];
            Arrays.fill(winners, -1);
            for (int writer = 0; writer < WRITERS; writer++) {
              for (int round : writers.get(writer).get()) {
                assertThat(winners[round]).as("winner of round " + round).isEqualTo(-1);
                winners[round] = writer;
              }
            }
            for (int round = 0; round < ROUNDS; round++) {
              assertThat(Files.readAllBytes(target(round)))
                  .as("round " + round)
                  .isEqualTo(content(winners[round]));
            }
            assertThat(names()).hasSize(ROUNDS);
          } finally {
            threads.shutdownNow();
          }
        });
  }

  private Path target(int round) {
    return folder.resolve("out-" + round + ".bin");
  }

  private List<Integer> roundsWon(CyclicBarrier start, int id) throws Exception {
    List<Integer> won = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      Path target = target(round);
      start.await();
      try {
        STORAGE.publication(target.toString(), Overwrite.REFUSE).publish(content(id));
        won.add(round);
      } catch (CommitException e) {
        assertThat(e)
            .hasMessage("cannot write " + target + ": a file appeared there while the job ran");
      }
    }
    return won;
  }

  private List<String> names() throws IOException {
    try (Stream<Path> children = Files.list(folder)) {
      List<String> names = new ArrayList<>();
      children.forEach(child -> names.add(child.getFileName().toString()));
      Collections.sort(names);
      return names;
    }
  }
}
