package org.sparkbatchnorm.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.source.Split.Piece;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;
import org.sparkbatchnorm.tensor.TensorBlock;

class SplitReaderTest {
  private static final int BLOCK_BYTES = 256 * 1024;

  private final Storage storage = Storage.of(new Configuration());

  @TempDir private Path folder;

  @BeforeEach
  void makeFolder() throws IOException {
    Files.createDirectories(folder.resolve("bn"));
  }

  /** What a sink was given; its elements count upwards through the tensor. */
  private static final class Recorder implements SplitReader.Sink {
    private final List<Piece> pieces = new ArrayList<>();
    private final List<Integer> blockBytes = new ArrayList<>();
    private long expected;

    @Override
    public void begin(Piece piece) {
      pieces.add(piece);
      expected = piece.firstElement();
    }

    @Override
    public void add(TensorBlock block) {
      blockBytes.add(block.bytes().remaining());
      assertThat(block.firstElement()).isEqualTo(expected);
      assertThat(block.view()).isEqualTo(pieces.get(pieces.size() - 1).tensor().view());
      ByteBuffer bytes = block.bytes().duplicate().order(block.bytes().order());
      while (bytes.hasRemaining()) {
        if (bytes.getInt() != (int) expected++) {
          throw new AssertionError("element " + (expected - 1) + " is another one's");
        }
      }
    }
  }

  /** An npy file of int32 that count upwards. */
  private Path write(String name, ByteOrder byteOrder, long... shape) throws IOException {
    NpyHeader header = NpyHeader.of(DType.I32, byteOrder, ElementOrder.ROW_MAJOR, Shape.of(shape));
    int elements = Math.toIntExact(Shape.of(shape).elements());
    byte[] start = header.toBytes();
    ByteBuffer file = ByteBuffer.allocate(start.length + 4 * elements).order(byteOrder).put(start);
    for (int i = 0; i < elements; i++) {
      file.putInt(i);
    }
    Path path = folder.resolve("bn").resolve(name);
    Files.write(path, file.array());
    return path;
  }

  private List<Split> plan(long splitBytes) throws MalformedFileException {
    List<Shard> shards = new ArrayList<>();
    for (StoredFile file : storage.list(List.of(folder.toString()))) {
      shards.add(ShardFormat.NPY.read(storage, file));
    }
    return ActivationPlanner.select(Shards.LAYER_SLASH_NUMBER, MiniBatchRule.TENSORS, shards)
        .cut(splitBytes)
        .splits();
  }

  private void read(Split split, SplitReader.Sink sink) throws IOException {
    new SplitReader(storage).read(split, sink);
  }

  private void assertFails(Split split, SplitReader.Sink sink, String code, Path file) {
    assertThatThrownBy(() -> read(split, sink))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageStartingWith(file + ": " + code + ": ")
        .extracting(e -> ((MalformedFileException) e).code())
        .isEqualTo(code);
  }

  @Test
  void readsFilesOfEitherByteOrderInOneSplit() throws IOException {
    write("0.npy", ByteOrder.LITTLE_ENDIAN, 10, 3);
    write("1.npy", ByteOrder.BIG_ENDIAN, 20, 3);
    write("2.npy", ByteOrder.LITTLE_ENDIAN, 0, 3);
    List<Split> splits = plan(1 << 20);
    assertThat(splits).hasSize(1);
    Recorder recorder = new Recorder();
    read(splits.get(0), recorder);
    assertThat(recorder.pieces).isEqualTo(splits.get(0).pieces());
    assertThat(recorder.blockBytes).containsExactly(120, 240);
  }

  @Test
  void cutsLongPiecesIntoBlocksOf256KiB() throws IOException {
    // 1.2 MB; a row is 300,000 bytes, more than a block.
    write("0.npy", ByteOrder.BIG_ENDIAN, 4, 3, 25_000);
    Recorder whole = new Recorder();
    read(plan(1 << 30).get(0), whole);
    assertThat(whole.blockBytes)
        .containsExactly(BLOCK_BYTES, BLOCK_BYTES, BLOCK_BYTES, BLOCK_BYTES, 151_424);
    for (Split row : plan(1)) {
      Recorder recorder = new Recorder();
      read(row, recorder);
      assertThat(recorder.blockBytes).containsExactly(BLOCK_BYTES, 300_000 - BLOCK_BYTES);
      assertThat(recorder.pieces.get(0).firstElement()).isEqualTo(75_000L * row.index());
    }
  }

  @Test
  void aReaderReadsOneSplitAfterAnother() throws IOException {
    write("0.npy", ByteOrder.LITTLE_ENDIAN, 50, 3, 7);
    SplitReader reader = new SplitReader(storage);
    Recorder recorder = new Recorder();
    List<Split> splits = plan(1000);
    for (int i = splits.size() - 1; i >= 0; i--) {
      reader.read(splits.get(i), recorder);
    }
    assertThat(recorder.pieces.stream().mapToLong(Piece::elements).sum()).isEqualTo(1050);
  }

  /** Hostile input 11. */
  @Test
  void aFileThatChangedSinceThePlanIsRefusedUnread() throws IOException {
    Path file = write("0.npy", ByteOrder.LITTLE_ENDIAN, 10, 3);
    Split split = plan(1000).get(0);
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L));
    Recorder recorder = new Recorder();
    assertFails(split, recorder, "SHARD_CHANGED", file);
    assertThat(recorder.pieces).isEmpty();
  }

  @Test
  void aFileTruncatedSinceThePlanIsRefused() throws IOException {
    Path file = write("0.npy", ByteOrder.LITTLE_ENDIAN, 10, 3);
    FileTime modified = Files.getLastModifiedTime(file);
    Split split = plan(1000).get(0);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
    Files.setLastModifiedTime(file, modified);
    assertFails(split, new Recorder(), "SHARD_CHANGED", file);
  }

  @Test
  void aFileTouchedWhileItIsReadIsRefused() throws IOException {
    Path file = write("0.npy", ByteOrder.LITTLE_ENDIAN, 10, 3);
    Split split = plan(1000).get(0);
    assertFails(
        split,
        onFirstBlock(
            () -> Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L))),
        "SHARD_CHANGED",
        file);
  }

  @Test
  void aFileTruncatedWhileItIsReadIsRefused() throws IOException {
    // The second block is no longer there.
    Path file = write("0.npy", ByteOrder.LITTLE_ENDIAN, 4, 3, 25_000);
    Split split = plan(1 << 30).get(0);
    assertFails(split, onFirstBlock(() -> Files.write(file, new byte[100])), "SHARD_CHANGED", file);
  }

  @Test
  void aDeletedFileIsNotFound() throws IOException {
    Path file = write("0.npy", ByteOrder.LITTLE_ENDIAN, 10, 3);
    Split split = plan(1000).get(0);
    assertFails(split, onFirstBlock(() -> Files.delete(file)), "IO_NOT_FOUND", file);
    assertFails(split, new Recorder(), "IO_NOT_FOUND", file);
  }

  @Test
  void whatTheSinkRefusesIsPassedOn() throws IOException {
    write("0.npy", ByteOrder.LITTLE_ENDIAN, 10, 3);
    MalformedFileException refusal = new MalformedFileException("f", 8, "CODE", "reason");
    SplitReader.Sink sink =
        new SplitReader.Sink() {
          @Override
          public void begin(Piece piece) throws MalformedFileException {
            throw refusal;
          }

          @Override
          public void add(TensorBlock block) {
            throw new AssertionError("a block after a refusal");
          }
        };
    Split split = plan(1000).get(0);
    assertThatThrownBy(() -> read(split, sink)).isSameAs(refusal);
  }

  private interface Change {
    void apply() throws IOException;
  }

  private static SplitReader.Sink onFirstBlock(Change change) {
    return new SplitReader.Sink() {
      private boolean done;

      @Override
      public void begin(Piece piece) {}

      @Override
      public void add(TensorBlock block) {
        try {
          if (!done) {
            change.apply();
          }
          done = true;
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    };
  }
}
