package org.sparkbatchnorm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.format.npy.NpzArray;
import org.sparkbatchnorm.format.npy.NpzFile;
import org.sparkbatchnorm.format.zip.ArchiveEntry;
import org.sparkbatchnorm.format.zip.ZipArchive;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/** Models of numpy's own, patched; checkpoints that we write as npz; and bombs. */
class NpzModelTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""), "src/test/resources/golden/npz/numpy-2.4.6");

  private static final Storage STORAGE = Storage.of(new Configuration());

  @TempDir private Path folder;

  private static Model open(Path file) throws MalformedFileException {
    return Model.open(STORAGE, file.toString(), ModelFormat.NPZ, ModelOptions.none());
  }

  private static TypedStatistics statistics(double... values) {
    return dtype -> {
      double[] rounded = CheckpointLayer.of(DType.F64, values, values).rounded(dtype).mean();
      return RunningStatistics.of(rounded, rounded, 3);
    };
  }

  private static byte[] patched(Model model, String layer, double... values) throws IOException {
    ReadableBytes file = model.patched(Map.of(layer, statistics(values))).get(0).bytes();
    byte[] all = new byte[(int) file.length()];
    file.readFully(0, all, 0, all.length);
    return all;
  }

  @ParameterizedTest
  @CsvSource({
    "savez.npz, bn1, mean, variance, 3",
    "savez.npz, block.0/bn, mean, variance, 2",
    "savez.npz, half, mean, variance, 2",
    "others.npz, bn, mean, variance, 3",
    "flax.npz, ConvBlock_0/bn, mean, var, 4"
  })
  void onlyArraysAndTheirChecksumsChange(
      String name, String layer, String mean, String variance, int channels) throws IOException {
    Path file = GOLDEN.resolve(name);
    double[] values = Arrays.copyOf(new double[] {0.1, 2, 1e3, 4}, channels);
    try (Model model = open(file)) {
      byte[] before = Files.readAllBytes(file);
      byte[] after = patched(model, layer, values);
      try (Model again = open(Files.write(folder.resolve(name), after))) {
        CheckpointLayer read = again.checkpoint().layer(layer);
        CheckpointLayer expected = CheckpointLayer.of(DType.F64, values, values);
        assertThat(read.mean()).isEqualTo(expected.rounded(read.dtype()).mean());
        assertThat(again.checkpoint().metadata()).isEqualTo(model.checkpoint().metadata());
      }
      byte[] restored = after.clone();
      NpzFile npz = NpzFile.read(ReadableBytes.of("x", after));
      for (NpzArray array : npz.arrays()) {
        if (array.name().endsWith(layer + "/" + mean)
            || array.name().endsWith(layer + "/" + variance)) {
          int offset = (int) array.offset();
          System.arraycopy(
              before, offset, restored, offset, (int) array.entry().dataEnd() - offset);
          restore(before, restored, array.entry());
        }
      }
      assertThat(restored).isEqualTo(before);
      for (ArchiveEntry entry : npz.archive().entries()) {
        npz.archive().requireIntact(entry);
      }
    }
  }

  /** The CRC-32 in the local header, before the data; and in the directory, after all data. */
  private static void restore(byte[] before, byte[] restored, ArchiveEntry entry) {
    int name = entry.name().length();
    for (int at = 0; at + name <= before.length; at++) {
      if (new String(before, at, name, StandardCharsets.ISO_8859_1).equals(entry.name())) {
        int crc = at - (at < entry.dataOffset() ? 30 - 14 : 46 - 16);
        System.arraycopy(before, crc, restored, crc, 4);
      }
    }
  }

  @Test
  void layersOfAllNamingsAreFound() throws IOException {
    try (Model model = open(GOLDEN.resolve("savez.npz"))) {
      assertThat(model.checkpoint().layers().keySet()).containsExactly("bn1", "block.0/bn", "half");
      assertThat(model.checkpoint().layer("bn1").gamma()).isPresent();
      assertThat(model.checkpoint().epsilon()).hasValue(0.001);
    }
    try (Model model = open(GOLDEN.resolve("flax.npz"))) {
      assertThat(model.checkpoint().layers().keySet()).containsExactly("ConvBlock_0/bn");
      assertThat(model.checkpoint().layer("ConvBlock_0/bn").gamma()).isPresent();
      assertThat(model.parameters()).isEqualTo(new ParameterCounts(16, 9, 16, 8));
    }
    try (Model model = open(GOLDEN.resolve("others.npz"))) {
      // [2, 3] in Fortran order, and a count of steps.
      assertThat(model.parameters()).isEqualTo(new ParameterCounts(6, 8, 6, 6));
    }
  }

  @Test
  void compressedArraysAreReadAndNotPatched() throws IOException {
    try (Model model = open(GOLDEN.resolve("compressed.npz"));
        Model same = open(GOLDEN.resolve("savez.npz"))) {
      assertThat(model.checkpoint()).isEqualTo(same.checkpoint());
      assertThatThrownBy(() -> model.patched(Map.of("bn1", statistics(1, 2, 3))))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageEndingWith(
              "NOT_PATCHABLE: tensor 'bn1/mean' cannot be replaced where it stands: it is"
                  + " compressed; save the file by numpy.savez");
    }
  }

  private static Checkpoint checkpoint() {
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    layers.put(
        "layer1.bn1",
        CheckpointLayer.of(DType.F64, new double[] {0.1, -2}, new double[] {0.25, Double.NaN})
            .withGamma(new double[] {1, 2})
            .withBeta(new double[] {2, 3})
            .withBatchesTracked(7));
    layers.put("", CheckpointLayer.of(DType.F64, new double[] {3}, new double[] {4}));
    return Checkpoint.of(layers, Map.of(MetadataKeys.EPSILON, "1e-05", "\u0438\u043c\u044f", "\""));
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16"})
  void whatIsWrittenReadsBackRoundedOnce(DType dtype) throws IOException {
    byte[] file = ModelFormat.NPZ.encode(checkpoint(), dtype, Naming.PYTORCH);
    assertThat(file).isEqualTo(ModelFormat.NPZ.encode(checkpoint(), dtype, Naming.KERAS));
    Checkpoint read = Model.decode(ModelFormat.NPZ, ReadableBytes.of("x", file));
    assertThat(read.layer("layer1.bn1"))
        .isEqualTo(checkpoint().layer("layer1.bn1").withoutBatchesTracked().rounded(dtype));
    assertThat(read.metadata()).isEqualTo(checkpoint().metadata());
    assertThat(ZipArchive.read(ReadableBytes.of("x", file)).entries())
        .extracting(ArchiveEntry::name)
        .containsExactly(
            "metadata.npy",
            "layer1.bn1/gamma.npy",
            "layer1.bn1/beta.npy",
            "layer1.bn1/mean.npy",
            "layer1.bn1/variance.npy",
            "mean.npy",
            "variance.npy");
  }

  @Test
  void whatNumpyHasNoTypeForIsNotWritten() {
    assertThatThrownBy(() -> ModelFormat.NPZ.encode(checkpoint(), DType.BF16, Naming.PYTORCH))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("BF16 has no npy type, expected one of f2, f4, f8");
  }

  @ParameterizedTest
  @EnumSource
  void everyByteFlippedAndEveryTruncationIsRejectedOrChangesNothing(Packing packing)
      throws IOException {
    byte[] file = packing.pack(ModelFormat.NPZ.encode(checkpoint(), DType.F32, Naming.PYTORCH));
    int same = DamagedModel.requireRejectedOrTheSame(ModelFormat.NPZ, file);
    assertThat(same).isBetween(1, file.length / 3);
  }

  private enum Packing {
    STORED,
    DEFLATED;

    byte[] pack(byte[] npz) throws IOException {
      if (this == STORED) {
        return npz;
      }
      ZipArchive archive = ZipArchive.read(ReadableBytes.of("x", npz));
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
        for (ArchiveEntry entry : archive.entries()) {
          zip.putNextEntry(new ZipEntry(entry.name()));
          zip.write(npz, (int) entry.dataOffset(), (int) entry.size());
        }
      }
      return bytes.toByteArray();
    }
  }

  /** Arrays of 2^25 zeros in a thousandth of their bytes: their headers are read, nothing else. */
  @Test
  void aBombIsNotInflated() throws IOException {
    byte[] bomb = deflated(1 << 25, 1 << 25);
    Path file = Files.write(folder.resolve("bomb.npz"), bomb);
    assertThatThrownBy(() -> open(file))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("TOO_MANY_CHANNELS: more than 16777216 channels in all layers");
  }

  /** The header says two floats, the directory as well, and the data go on. */
  @Test
  void whatIsLongerThanDeclaredIsNotInflated() throws IOException {
    byte[] zip = deflated(1 << 20, 2);
    assertThatThrownBy(() -> open(Files.write(folder.resolve("long.npz"), zip)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("TRAILING_BYTES: array 'bn/mean.npy': ");
    // The directory and the descriptor lie as well.
    byte[] lying = zip.clone();
    int declared = 128 + 8;
    int content = 128 + (4 << 20);
    for (int at = 0; at + 4 <= zip.length; at++) {
      if (ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN).getInt(at) == content) {
        ByteBuffer.wrap(lying).order(ByteOrder.LITTLE_ENDIAN).putInt(at, declared);
      }
    }
    assertThatThrownBy(() -> open(Files.write(folder.resolve("lying.npz"), lying)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("ZIP_SIZE: 'bn/mean.npy' has more than 136 bytes");
  }

  /** Layer {@code bn} with so many zeros, of which the headers say there are so many. */
  private static byte[] deflated(long floats, long said) throws IOException {
    byte[] header =
        NpyHeader.of(DType.F32, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, Shape.of(said))
            .toBytes();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    byte[] zeros = new byte[1 << 20];
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (String name : new String[] {"bn/mean.npy", "bn/variance.npy"}) {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(header);
        for (long left = 4 * floats; left > 0; left -= zeros.length) {
          zip.write(zeros, 0, (int) Math.min(left, zeros.length));
        }
      }
    }
    return bytes.toByteArray();
  }
}
