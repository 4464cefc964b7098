package org.sparkbatchnorm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.torch.TorchFile;
import org.sparkbatchnorm.format.torch.TorchTensor;
import org.sparkbatchnorm.format.torch.TorchWriter;
import org.sparkbatchnorm.format.zip.ArchiveEntry;
import org.sparkbatchnorm.format.zip.ZipArchive;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/** Models of PyTorch's own, patched; and checkpoints that we write in its form. */
class TorchModelTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""), "src/test/resources/golden/torch/torch-2.15.0");

  private static final Storage STORAGE = Storage.of(new Configuration());

  @TempDir private Path folder;

  private static Model open(Path file, String... stateDict) throws MalformedFileException {
    ModelOptions options = new ModelOptions(Arrays.stream(stateDict).findFirst(), Set.of());
    return Model.open(STORAGE, file.toString(), ModelFormat.TORCH, options);
  }

  private static byte[] bytes(ReadableBytes file) throws IOException {
    byte[] all = new byte[(int) file.length()];
    file.readFully(0, all, 0, all.length);
    return all;
  }

  /** 0.1 + the channel, and 1000 of it. */
  private static TypedStatistics statistics(int channels) {
    double[] mean = new double[channels];
    Arrays.setAll(mean, channel -> channel + 0.1);
    double[] variance = Arrays.stream(mean).map(value -> 1_000 * value).toArray();
    return dtype ->
        RunningStatistics.of(
            CheckpointLayer.of(DType.F64, mean, variance).rounded(dtype).mean(),
            CheckpointLayer.of(DType.F64, mean, variance).rounded(dtype).variance(),
            1L << 33);
  }

  @ParameterizedTest
  @CsvSource({
    "state-dict.pt,,stem.1,norm",
    "plain-dict.pt,,stem.1,norm",
    "parameters.pt,,stem.1,norm",
    "protocol-4.pt,,stem.1,norm",
    "protocol-5.pth,,stem.1,norm",
    "data-parallel.pt,,module.stem.1,module.norm",
    "training-state_dict.pt,,stem.1,norm",
    "training-model.pt,,stem.1,norm",
    "training-model_state_dict.pt,,stem.1,norm",
    "training-net.pt,net,stem.1,norm",
    "training-net.pt,ema,stem.1,norm"
  })
  void onlyStoragesAndTheirChecksumsChange(String name, String key, String conv, String plain)
      throws IOException {
    Path file = GOLDEN.resolve(name);
    byte[] before = Files.readAllBytes(file);
    String[] stateDict = key == null ? new String[0] : new String[] {key};
    try (Model model = open(file, stateDict)) {
      assertThat(model.checkpoint().layers().keySet()).containsExactly(conv, plain);
      byte[] after =
          bytes(model.patched(Map.of(conv, statistics(4), plain, statistics(3))).get(0).bytes());
      try (Model again = open(Files.write(folder.resolve(name), after), stateDict)) {
        CheckpointLayer layer = again.checkpoint().layer(plain);
        assertThat(layer.mean()).containsExactly(0.1f, 1.1f, 2.1f);
        assertThat(layer.variance()).containsExactly(100, 1_100, 2_100);
        assertThat(layer.batchesTracked()).hasValue(1L << 33);
        assertThat(again.checkpoint().layer(conv).gamma().orElseThrow())
            .isEqualTo(model.checkpoint().layer(conv).gamma().orElseThrow());
      }
      requireOnlyBuffersDiffer(before, after, Optional.ofNullable(key));
    }
  }

  /** Puts back the buffers and, for each of their entries, the CRC-32 in its two places. */
  private static void requireOnlyBuffersDiffer(byte[] before, byte[] after, Optional<String> key)
      throws IOException {
    assertThat(after).hasSameSizeAs(before);
    byte[] restored = after.clone();
    ReadableBytes old = ReadableBytes.of("before", before);
    ZipArchive zip = ZipArchive.read(ReadableBytes.of("after", after));
    int buffers = 0;
    for (TorchTensor tensor : TorchFile.read(old, key).tensors()) {
      if (tensor.name().contains("running_") || tensor.name().contains("num_batches")) {
        int offset = (int) tensor.offset();
        int end = offset + (int) tensor.shape().elements() * tensor.elementBytes();
        System.arraycopy(before, offset, restored, offset, end - offset);
        int descriptor = (int) tensor.storage().dataEnd();
        System.arraycopy(before, descriptor + 4, restored, descriptor + 4, 4);
        buffers++;
      }
    }
    assertThat(buffers).isEqualTo(6);
    for (int at = 0; at < before.length; at++) {
      // PK 1 2 in the directory, which follows all records.
      boolean header =
          at > zip.entries().get(zip.entries().size() - 1).dataEnd()
              && before[at] == 'P'
              && before[at + 1] == 'K'
              && before[at + 2] == 1;
      if (header) {
        System.arraycopy(before, at + 16, restored, at + 16, 4);
      }
    }
    assertThat(restored).isEqualTo(before);
    for (ArchiveEntry entry : zip.entries()) {
      zip.requireIntact(entry);
    }
  }

  @Test
  void parametersAreCountedWhateverTheirTypesAndStrides() throws IOException {
    try (Model model = open(GOLDEN.resolve("state-dict.pt"))) {
      // 36 + 4 + 2 x 4 + 12 + 3 parameters; 2 x 4 + 1 + 2 x 3 + 1 buffers.
      assertThat(model.parameters()).isEqualTo(new ParameterCounts(63, 16, 63, 14));
    }
    try (Model model = open(GOLDEN.resolve("views.pt"))) {
      // The transposed and the channels-last one beside eight vectors of four layers.
      assertThat(model.parameters()).isEqualTo(new ParameterCounts(30, 26, 30, 22));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "flat|flat.running_mean|'flat.running_var' uses its storage, too; save a clone of it",
        "same|same.running_mean|'same.running_var' uses its storage, too; save a clone of it",
        "strided|strided.running_mean|its elements do not lie one after the other; save it"
            + " contiguous"
      })
  void whatIsSharedOrScatteredIsReadAndNotPatched(String layer, String tensor, String why)
      throws IOException {
    try (Model model = open(GOLDEN.resolve("views.pt"))) {
      CheckpointLayer read = model.checkpoint().layer(layer);
      assertThat(read.mean())
          .isEqualTo(
              switch (layer) {
                case "flat" -> new double[] {2, 3, 4};
                case "same" -> new double[] {5, 6};
                default -> new double[] {1, 4, 7};
              });
      TypedStatistics statistics = statistics(read.channels());
      assertThatThrownBy(() -> model.patched(Map.of(layer, statistics)))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageEndingWith(
              "NOT_PATCHABLE: tensor '" + tensor + "' cannot be replaced where it stands: " + why);
    }
  }

  @Test
  void aSliceThatHasItsStorageToItselfIsPatched() throws IOException {
    try (Model model = open(GOLDEN.resolve("views.pt"))) {
      byte[] after = bytes(model.patched(Map.of("slice", statistics(3))).get(0).bytes());
      try (Model again = open(Files.write(folder.resolve("views.pt"), after))) {
        assertThat(again.checkpoint().layer("slice").mean()).containsExactly(0.1f, 1.1f, 2.1f);
        assertThat(again.checkpoint().layer("flat")).isEqualTo(model.checkpoint().layer("flat"));
      }
    }
  }

  @Test
  void everyTypeIsPatchedInItsOwn() throws IOException {
    try (Model model = open(GOLDEN.resolve("types.pt"))) {
      for (DType dtype : List.of(DType.F16, DType.BF16, DType.F64)) {
        String layer =
            Map.of(DType.F16, "half", DType.BF16, "brain", DType.F64, "double").get(dtype);
        byte[] after = bytes(model.patched(Map.of(layer, statistics(2))).get(0).bytes());
        try (Model again = open(Files.write(folder.resolve("types.pt"), after))) {
          CheckpointLayer read = again.checkpoint().layer(layer);
          assertThat(read.dtype()).isEqualTo(dtype);
          assertThat(read.mean()).isEqualTo(statistics(2).in(dtype).mean());
          assertThat(read.variance()).isEqualTo(statistics(2).in(dtype).variance());
        }
      }
    }
  }

  private static Checkpoint checkpoint() {
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    layers.put(
        "bn1",
        CheckpointLayer.of(DType.F64, new double[] {0.1, -2}, new double[] {0.25, Double.NaN})
            .withGamma(new double[] {1, 2})
            .withBeta(new double[] {2, 3})
            .withBatchesTracked(7));
    layers.put("", CheckpointLayer.of(DType.F64, new double[] {3}, new double[] {4}));
    return Checkpoint.of(layers, Map.of(MetadataKeys.EPSILON, "1e-05", "\u0438\u043c\u044f", "\""));
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void whatIsWrittenReadsBackRoundedOnce(DType dtype) throws IOException {
    byte[] file = ModelFormat.TORCH.encode(checkpoint(), dtype, Naming.PYTORCH);
    assertThat(file).isEqualTo(ModelFormat.TORCH.encode(checkpoint(), dtype, Naming.PYTORCH));
    Checkpoint read = Model.decode(ModelFormat.TORCH, ReadableBytes.of("x", file));
    assertThat(read.layer("bn1")).isEqualTo(checkpoint().layer("bn1").rounded(dtype));
    assertThat(read.layers().keySet()).containsExactly("bn1", "");
    assertThat(read.metadata()).isEqualTo(checkpoint().metadata());
    assertThat(TorchFile.read(ReadableBytes.of("x", file), Optional.empty()).tensors())
        .extracting(TorchTensor::name)
        .containsExactly(
            "bn1.weight",
            "bn1.bias",
            "bn1.running_mean",
            "bn1.running_var",
            "bn1.num_batches_tracked",
            "running_mean",
            "running_var");
  }

  /** What is read of a file stands under its checksums: all of one that holds layers alone. */
  @Test
  void everyByteFlippedAndEveryTruncationIsRejectedOrChangesNothing() throws IOException {
    byte[] file = ModelFormat.TORCH.encode(checkpoint(), DType.F32, Naming.PYTORCH);
    int same = DamagedModel.requireRejectedOrTheSame(ModelFormat.TORCH, file);
    // Padding before the data, versions, attributes.
    assertThat(same).isBetween(1, file.length / 3);
  }

  @Test
  void aBrokenStorageIsRejectedWhereItIsRead() throws IOException {
    TorchWriter writer = new TorchWriter();
    writer.addTensor("bn.running_mean", DType.F32, Shape.of(1), new byte[4]);
    writer.addTensor("bn.running_var", DType.F32, Shape.of(1), new byte[4]);
    writer.addTensor("fc.weight", DType.F32, Shape.of(1), new byte[4]);
    byte[] file = writer.toBytes();
    List<TorchTensor> tensors =
        TorchFile.read(ReadableBytes.of("x", file), Optional.empty()).tensors();
    byte[] mean = file.clone();
    mean[(int) tensors.get(0).offset()] = 1;
    assertThatThrownBy(() -> open(Files.write(folder.resolve("mean.pt"), mean)))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining("ZIP_CRC: CRC-32 of 'archive/data/0' is ");
    // What is not read is not checked: a model of gigabytes is not read through for its statistics.
    byte[] weight = file.clone();
    weight[(int) tensors.get(2).offset()] = 1;
    try (Model model = open(Files.write(folder.resolve("weight.pt"), weight))) {
      byte[] after = bytes(model.patched(Map.of("bn", statistics(1))).get(0).bytes());
      assertThat(after[(int) tensors.get(2).offset()]).isEqualTo((byte) 1);
    }
  }
}
