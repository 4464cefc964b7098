package org.sparkbatchnorm.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.safetensors.SafetensorsHeader;
import org.sparkbatchnorm.format.safetensors.SafetensorsTensor;
import org.sparkbatchnorm.format.safetensors.SafetensorsWriter;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.storage.Overwrite;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

/** Models as safetensors files: what is counted, what is replaced, and what stays. */
class ModelTest {
  private static final Storage STORAGE = Storage.of(new Configuration());

  /** 0.1 is another number in every type. */
  private static final TypedStatistics NEW =
      dtype ->
          RunningStatistics.of(
              rounded(dtype, 0.1, -2), rounded(dtype, 70000, Double.NaN), 1L << 33);

  @TempDir private Path folder;

  private static double[] rounded(DType dtype, double... values) {
    return CheckpointLayer.of(DType.F64, values, values).rounded(dtype).mean();
  }

  private static void add(SafetensorsWriter writer, String name, DType dtype, double... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    Elements.encode(dtype, values, values.length, bytes);
    writer.addTensor(name, dtype, Shape.of(values.length), bytes.array());
  }

  private static void addLayer(SafetensorsWriter writer, String name, DType mean, DType variance) {
    add(writer, name + ".weight", DType.F32, 5, 6);
    add(writer, name + ".bias", DType.F32, 7, 8);
    add(writer, name + ".running_mean", mean, 1, 2);
    add(writer, name + ".running_var", variance, 3, 4);
    writer.addTensor(name + ".num_batches_tracked", DType.I64, Shape.of(), new byte[8]);
  }

  private static SafetensorsWriter network() {
    SafetensorsWriter writer = new SafetensorsWriter();
    writer.addMetadata("format", "pt");
    writer.addTensor("conv.weight", DType.F32, Shape.of(2, 1, 3, 3), new byte[72]);
    addLayer(writer, "bn1", DType.F32, DType.F32);
    addLayer(writer, "bn2", DType.F16, DType.F64);
    writer.addTensor("fc.position_ids", DType.I64, Shape.of(3), new byte[24]);
    return writer;
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private static Model open(Path file) throws MalformedFileException {
    return Model.open(STORAGE, file.toString(), ModelFormat.SAFETENSORS, ModelOptions.none());
  }

  private static byte[] bytes(ModelPart part) throws IOException {
    byte[] all = new byte[(int) part.bytes().length()];
    part.bytes().readFully(0, all, 0, all.length);
    return all;
  }

  @ParameterizedTest
  @CsvSource({"bn1, F32, F32", "bn2, F16, F64"})
  void onlyTheBuffersOfTheLayerChangeEachRoundedToItsOwnType(
      String layer, DType meanType, DType varianceType) throws IOException {
    byte[] before = network().toBytes();
    Path file = write("m.safetensors", before);
    try (Model model = open(file)) {
      List<ModelPart> parts = model.patched(Map.of(layer, NEW));
      byte[] after = bytes(parts.get(0));
      Path copy = folder.resolve("new/m.safetensors");
      STORAGE
          .publication(copy.toString(), Overwrite.REFUSE)
          .publish(parts.get(0).bytes(), () -> model.requireUnchanged(parts.get(0)));
      assertThat(Files.readAllBytes(copy)).isEqualTo(after);
      try (Model again = open(copy)) {
        CheckpointLayer read = again.checkpoint().layer(layer);
        assertThat(read.mean()).isEqualTo(rounded(meanType, 0.1, -2));
        assertThat(read.variance()).isEqualTo(rounded(varianceType, 70000, Double.NaN));
        assertThat(read.batchesTracked()).hasValue(1L << 33);
      }
      // All else is as it was, header included.
      byte[] restored = after.clone();
      int changed = 0;
      SafetensorsHeader header = SafetensorsHeader.read(parts.get(0).bytes());
      for (String buffer : List.of("running_mean", "running_var", "num_batches_tracked")) {
        SafetensorsTensor tensor = header.tensor(layer + "." + buffer).orElseThrow();
        int offset = (int) tensor.offset();
        assertThat(Arrays.copyOfRange(after, offset, (int) (offset + tensor.bytes())))
            .isNotEqualTo(Arrays.copyOfRange(before, offset, (int) (offset + tensor.bytes())));
        System.arraycopy(before, offset, restored, offset, (int) tensor.bytes());
        changed += (int) tensor.bytes();
      }
      assertThat(changed).isEqualTo(2 * (meanType.bytes() + varianceType.bytes()) + 8);
      assertThat(restored).isEqualTo(before);
      assertThat(Files.readAllBytes(file)).isEqualTo(before);
    }
  }

  @Test
  void numbersAreCountedAsPytorchAndAsKerasDo() throws IOException {
    try (Model model = open(write("m.safetensors", network().toBytes()))) {
      // 18 + 2 x 4 parameters; 2 x (2 x 2 + 1) buffers and 3 indices.
      assertThat(model.parameters()).isEqualTo(new ParameterCounts(26, 13, 26, 8));
      assertThat(model.parameters().total()).isEqualTo(34);
    }
  }

  @Test
  void typesThatAreNotComputedWithAreCountedAndStay() throws IOException {
    String header =
        """
        {"a.mask":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]},\
        "a.packed":{"dtype":"F4","shape":[5],"data_offsets":[3,6]},\
        "bn.running_mean":{"dtype":"F32","shape":[1],"data_offsets":[6,10]},\
        "bn.running_var":{"dtype":"F32","shape":[1],"data_offsets":[10,14]}}""";
    ByteBuffer file = ByteBuffer.allocate(8 + header.length() + 14).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length()).put(header.getBytes(UTF_8)).put(new byte[] {1, 0, 1, 9, 9, 9});
    try (Model model = open(write("m.safetensors", file.array()))) {
      assertThat(model.parameters()).isEqualTo(new ParameterCounts(5, 6, 5, 2));
      TypedStatistics one = dtype -> RunningStatistics.of(new double[] {1}, new double[] {2}, 3);
      byte[] after = bytes(model.patched(Map.of("bn", one)).get(0));
      file.putFloat(file.capacity() - 8, 1).putFloat(file.capacity() - 4, 2);
      assertThat(after).isEqualTo(file.array());
    }
  }

  @Test
  void whatDoesNotFitIsRefusedByName() throws IOException {
    try (Model model = open(write("m.safetensors", network().toBytes()))) {
      assertThatThrownBy(() -> model.patched(Map.of("bn3", NEW)))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageEndingWith("LAYER_MISSING: no layer 'bn3', expected one of 'bn1', 'bn2'");
      TypedStatistics three =
          dtype -> RunningStatistics.of(new double[3], new double[] {1, 1, 1}, 1);
      assertThatThrownBy(() -> model.patched(Map.of("bn1", three)))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageEndingWith(
              "SHAPE_MISMATCH: layer 'bn1' has 2 channels in the model, but 3 in the statistics");
    }
  }

  @Test
  void aNumberOfMiniBatchesThatItsTypeCannotHoldIsRefused() throws IOException {
    SafetensorsWriter writer = new SafetensorsWriter();
    add(writer, "bn.running_mean", DType.F32, 1, 2);
    add(writer, "bn.running_var", DType.F32, 1, 2);
    writer.addTensor("bn.num_batches_tracked", DType.I32, Shape.of(), new byte[4]);
    try (Model model = open(write("m.safetensors", writer.toBytes()))) {
      assertThatThrownBy(() -> model.patched(Map.of("bn", NEW)))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageEndingWith(
              "NOT_PATCHABLE: 8589934592 mini-batches exceed the I32 of tensor"
                  + " 'bn.num_batches_tracked'");
    }
  }

  @Test
  void aModelThatChangesWhileItIsCopiedIsNotPublished() throws IOException {
    Path file = write("m.safetensors", network().toBytes());
    try (Model model = open(file)) {
      ModelPart part = model.patched(Map.of("bn1", NEW)).get(0);
      Files.setLastModifiedTime(file, java.nio.file.attribute.FileTime.fromMillis(0));
      Path copy = folder.resolve("copy.safetensors");
      assertThatThrownBy(
              () ->
                  STORAGE
                      .publication(copy.toString(), Overwrite.REFUSE)
                      .publish(part.bytes(), () -> model.requireUnchanged(part)))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageContaining("SHARD_CHANGED");
      assertThat(copy).doesNotExist();
    }
  }

  /** Layer bn1 whole in the first file; of bn2 the variance stands in the second. */
  private Map<String, byte[]> shards() {
    SafetensorsWriter first = new SafetensorsWriter();
    addLayer(first, "bn1", DType.F32, DType.F32);
    add(first, "bn2.running_mean", DType.F32, 1, 2);
    SafetensorsWriter second = new SafetensorsWriter();
    add(second, "bn2.running_var", DType.F32, 3, 4);
    Map<String, byte[]> files = new HashMap<>();
    files.put("m-1.safetensors", first.toBytes());
    files.put("m-2.safetensors", second.toBytes());
    return files;
  }

  private static String index(String variancesFile) {
    return """
        {"metadata": {"total_size": 72, "more": [{}]},
         "weight_map": {"bn1.weight": "m-1.safetensors", "bn1.bias": "m-1.safetensors",
          "bn1.running_mean": "m-1.safetensors", "bn1.running_var": "m-1.safetensors",
          "bn1.num_batches_tracked": "m-1.safetensors", "bn2.running_mean": "m-1.safetensors",
          "bn2.running_var": "%s"}}"""
        .formatted(variancesFile);
  }

  @Test
  void aModelInSeveralFilesIsPatchedInEach() throws IOException {
    Map<String, byte[]> shards = shards();
    for (Map.Entry<String, byte[]> shard : shards.entrySet()) {
      write(shard.getKey(), shard.getValue());
    }
    Path main = write("m.safetensors.index.json", index("m-2.safetensors").getBytes(UTF_8));
    try (Model model = open(main)) {
      assertThat(model.checkpoint().layers().keySet()).containsExactly("bn1", "bn2");
      List<ModelPart> parts = model.patched(Map.of("bn2", NEW));
      assertThat(parts)
          .extracting(ModelPart::name)
          .containsExactly("m-1.safetensors", "m-2.safetensors", "m.safetensors.index.json");
      byte[] first = shards.get("m-1.safetensors").clone();
      ByteBuffer.wrap(first)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putFloat(first.length - 8, 0.1f)
          .putFloat(first.length - 4, -2);
      assertThat(bytes(parts.get(0))).isEqualTo(first);
      byte[] second = shards.get("m-2.safetensors").clone();
      ByteBuffer.wrap(second)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putFloat(second.length - 8, 70000)
          .putFloat(second.length - 4, Float.NaN);
      assertThat(bytes(parts.get(1))).isEqualTo(second);
      assertThat(bytes(parts.get(2))).isEqualTo(Files.readAllBytes(main));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "../m-2.safetensors|PATH_ESCAPE: 'bn2.running_var' is in '../m-2.safetensors', expected"
            + " the name of a file beside the index",
        "/etc/passwd|PATH_ESCAPE: 'bn2.running_var' is in '/etc/passwd', expected the name of a"
            + " file beside the index",
        "file:x|PATH_ESCAPE: 'bn2.running_var' is in 'file:x', expected the name of a file beside"
            + " the index",
        "..|PATH_ESCAPE: 'bn2.running_var' is in '..', expected the name of a file beside the"
            + " index",
        "link.safetensors|PATH_ESCAPE: a symbolic link, but a file beside",
        "m-3.safetensors|SHARD_MISSING: not there, but",
        "m-1.safetensors|INDEX_MISMATCH: tensor 'bn2.running_var' is not in 'm-1.safetensors'",
        "m-9.safetensors|INDEX_MISMATCH: tensor 'conv.weight' stands here, but the index does not"
            + " know it"
      })
  void anIndexThatLeadsElsewhereIsRefused(String shard, String message) throws IOException {
    for (Map.Entry<String, byte[]> file : shards().entrySet()) {
      write(file.getKey(), file.getValue());
    }
    write("m-9.safetensors", network().toBytes());
    Files.createSymbolicLink(folder.resolve("link.safetensors"), folder.resolve("m-2.safetensors"));
    Path main = write("m.safetensors.index.json", index(shard).getBytes(UTF_8));
    assertThatThrownBy(() -> open(main))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining(message);
  }
}
