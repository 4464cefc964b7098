package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.NotSerializableException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaRDD;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/** Every split exactly once, and bad input as a value. */
class ScanStateTest {
  @TempDir private Path folder;

  private static ScanState counted(int split) {
    return ScanState.empty().completing(split);
  }

  private static MalformedFileException bad(String file) {
    return new MalformedFileException(file, 7, "CODE", "found x, expected y");
  }

  @Test
  void aSplitThatCameTwiceIsFound() {
    ScanState merged = counted(0).merge(counted(2)).merge(counted(1));
    assertThat(merged.splits()).isEqualTo(3);
    assertThatThrownBy(() -> merged.merge(counted(2)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("a split was counted twice");
  }

  @ParameterizedTest
  @CsvSource({"1, 2", "2, 1"})
  void theFirstBadSplitIsReportedWhateverTheOrder(int first, int second) {
    ScanState merged =
        counted(0)
            .merge(ScanState.failed(first, bad("file-" + first)))
            .merge(counted(3))
            .merge(ScanState.failed(second, bad("file-" + second)));
    assertThatThrownBy(merged::requireGood)
        .isInstanceOf(MalformedFileException.class)
        .hasMessage("file-1 at byte 7: CODE: found x, expected y");
  }

  /** A file system's exception may hold anything. */
  @Test
  void aFailureCanBeSentWhateverCausedIt() {
    MalformedFileException failure = bad("file");
    failure.initCause(
        new IOException() {
          private static final long serialVersionUID = 1L;

          @SuppressWarnings({"unused", "serial"})
          private final Object held = new Object();
        });
    assertThatThrownBy(() -> JavaBytes.of(failure))
        .hasCauseInstanceOf(NotSerializableException.class);
    ScanState sent = JavaBytes.read(JavaBytes.of(ScanState.failed(3, failure)), ScanState.class);
    assertThatThrownBy(sent::requireGood)
        .hasMessage("file at byte 7: CODE: found x, expected y")
        .hasNoCause();
  }

  /** What 10,000 tasks send is merged by a driver with an ordinary heap. */
  @ParameterizedTest
  @CsvSource({"pooled-biased, 40", "paper, 110", "moving-average, 180"})
  void aStateTakesFewBytesAChannel(String estimator, int most) throws MalformedFileException {
    int channels = 1_000;
    Random random = new Random(channels);
    ChannelView view = new ChannelView(8, channels, 16);
    ByteBuffer bytes = ByteBuffer.allocate((int) view.elements() * Float.BYTES);
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) random.nextGaussian());
    }
    TaskScan scan = new TaskScan(Countings.of(estimator));
    scan.begin(
        new TensorPart(
            "bn",
            "bn",
            Countings.tensor(0, view),
            view,
            0,
            view.elements(),
            element -> new Place("f", 0, 0, "bn")));
    scan.add(TensorBlock.whole(DType.F32, bytes.flip(), view));
    assertThat(JavaBytes.of(scan.finish()).length)
        .isBetween(20 * channels, most * channels + 2_000);
  }

  @Test
  void aSplitThatIsMissingIsFound() throws IOException {
    Path file =
        new Activations()
            .addF32("bn", Activations.shape(4, 1), 1, 2, 3, 4)
            .writeSafetensors(folder.resolve("x.safetensors"));
    ShardScan scan = plan(TestJob.of(folder, file, "input.split-size=4"));
    assertThat(scan.plan().splits()).isEqualTo(4);
    assertThatThrownBy(() -> scan.requireComplete(counted(0).merge(counted(1)).merge(counted(3))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("3 splits were counted, but 4 were planned");
    ScanState nothing = counted(0).merge(counted(1)).merge(counted(2)).merge(counted(3));
    assertThatThrownBy(() -> scan.requireComplete(nothing))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("layer bn: 0 values were counted, but 4 were planned");
  }

  static ShardScan plan(TestJob job) throws MalformedFileException {
    Storage storage = Storage.of(LocalSpark.context().hadoopConfiguration());
    JobSpec.Input input = job.spec().input();
    LayerSelection selection = input.selection();
    return ShardScan.plan(
        LocalSpark.context(),
        input,
        selection,
        InputFiles.list(storage, input, Set.of()),
        Countings.of("pooled-biased"));
  }

  /** Groups of 3: one state, one whole group, one more, and three levels of groups. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3, 4, 28})
  void statesOfAnyNumberOfTasksAreMerged(int tasks) {
    assertThat(StateMerge.of(states(tasks), 3).splits()).isEqualTo(tasks);
  }

  @Test
  void aSplitThatCameTwiceIsFoundOnExecutorsToo() {
    assertThatThrownBy(() -> StateMerge.of(states(10).map(state -> JavaBytes.of(counted(5))), 3))
        .hasStackTraceContaining("a split was counted twice");
  }

  private static JavaRDD<byte[]> states(int tasks) {
    return LocalSpark.context()
        .parallelize(IntStream.range(0, tasks).boxed().toList(), tasks)
        .map(split -> JavaBytes.of(counted(split)));
  }

  @ParameterizedTest
  @CsvSource({"local, 1", "local[4], 1", "local[*], 1", "'local[2,3]', 3", "'local[*, 5]', 5"})
  void localMastersSayHowOftenATaskIsTried(String master, int attempts) {
    assertThat(TaskAttempts.ofLocalMaster(master)).isEqualTo(attempts);
  }
}
