package org.sparkbatchnorm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.StreamSupport;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.zip.ZipWriter;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.tensor.DType;

/** Models that Keras saved: what it says is in them, what is replaced, and what stays. */
class KerasModelTest {
  private static final Storage STORAGE = Storage.of(new Configuration());
  private static final Path GOLDEN =
      Path.of(
          System.getProperty("basedir", ""),
          "src/test/resources/golden/keras/keras-3.15.1".split("/"));
  private static final Map<String, DType> TYPES =
      Map.of(
          "float64", DType.F64, "float32", DType.F32, "float16", DType.F16, "bfloat16", DType.BF16);

  /** Of the layer called so no file says that it is one: two vectors, and a name of the user's. */
  private static final Set<String> ONLY_NAMED = Set.of("called");

  @TempDir private Path folder;

  private static Model open(Path file) throws MalformedFileException {
    ModelOptions options = new ModelOptions(Optional.empty(), ONLY_NAMED);
    return Model.open(STORAGE, file.toString(), ModelFormat.KERAS, options);
  }

  private static JsonNode expected(String model) throws IOException {
    return new ObjectMapper()
        .readTree(GOLDEN.resolve("expected.json").toFile())
        .get("models")
        .get(model);
  }

  private static double[] numbers(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .toArray();
  }

  private static byte[] bytes(ModelPart part) throws IOException {
    byte[] all = new byte[(int) part.bytes().length()];
    part.bytes().readFully(0, all, 0, all.length);
    return all;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sequential",
        "functional",
        "subclassed",
        "mixed_float16",
        "float16",
        "bfloat16",
        "float64"
      })
  void everyLayerIsAsKerasHasIt(String name) throws IOException {
    for (String suffix : List.of(".keras", ".weights.h5")) {
      try (Model model = open(GOLDEN.resolve(name + suffix))) {
        Map<String, CheckpointLayer> layers = new HashMap<>(model.checkpoint().layers());
        for (JsonNode layer : expected(name).get("layers")) {
          if (!layer.get("renorm").asBoolean()) {
            String found = layerOf(layers, numbers(layer.get("mean")));
            requireSame(layers.remove(found), layer, suffix.equals(".keras"));
          }
        }
        assertThat(layers).isEmpty();
      }
    }
  }

  /** No two layers have the same mean. */
  private static String layerOf(Map<String, CheckpointLayer> layers, double[] mean) {
    return layers.entrySet().stream()
        .filter(layer -> Arrays.equals(layer.getValue().mean(), mean))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }

  private static void requireSame(CheckpointLayer layer, JsonNode expected, boolean isWhole) {
    String name = expected.get("name").asText();
    boolean hasGamma = !expected.get("gamma").isNull();
    boolean hasBeta = !expected.get("beta").isNull();
    assertThat(layer.dtype()).as(name).isEqualTo(TYPES.get(expected.get("dtype").asText()));
    assertThat(layer.variance()).as(name).isEqualTo(numbers(expected.get("variance")));
    assertThat(layer.batchesTracked()).as(name).isEmpty();
    // Weights alone do not say which of the two a layer of three variables has.
    boolean isUnknown = !isWhole && hasGamma != hasBeta;
    assertThat(layer.isAffineUnknown()).as(name).isEqualTo(isUnknown);
    assertThat(layer.gamma().isPresent()).as(name).isEqualTo(hasGamma && !isUnknown);
    assertThat(layer.beta().isPresent()).as(name).isEqualTo(hasBeta && !isUnknown);
    layer.gamma().ifPresent(gamma -> assertThat(gamma).isEqualTo(numbers(expected.get("gamma"))));
    layer.beta().ifPresent(beta -> assertThat(beta).isEqualTo(numbers(expected.get("beta"))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "sequential.keras",
        "sequential.weights.h5",
        "functional.keras",
        "subclassed.keras",
        "subclassed.weights.h5",
        "bfloat16.weights.h5",
        "counted.weights.h5"
      })
  void weightsAreCountedAsKerasCountsThem(String file) throws IOException {
    JsonNode counts = expected(file.substring(0, file.indexOf('.'))).get("counts");
    try (Model model = open(GOLDEN.resolve(file))) {
      ParameterCounts found = model.parameters();
      assertThat(found.trainable()).isEqualTo(counts.get("trainable").asLong());
      assertThat(found.nonTrainable()).isEqualTo(counts.get("nonTrainable").asLong());
      assertThat(found.total()).isEqualTo(counts.get("total").asLong());
    }
  }

  /** acceptance: the model of the question why the two frameworks count differently. */
  @Test
  void kerasCountsMoreThanPytorch() throws IOException {
    try (Model model = open(GOLDEN.resolve("counted.weights.h5"))) {
      assertThat(model.parameters()).isEqualTo(new ParameterCounts(13_108_694, 65, 13_108_694, 64));
      assertThat(model.parameters().total()).isEqualTo(13_108_758);
    }
  }

  /** Weights alone do not say that a layer is frozen; to PyTorch that makes no difference. */
  @Test
  void frozenLayersCountAsParametersThatAreNotTrainable() throws IOException {
    try (Model whole = open(GOLDEN.resolve("functional.keras"));
        Model weights = open(GOLDEN.resolve("functional.weights.h5"))) {
      assertThat(whole.parameters()).isEqualTo(new ParameterCounts(151, 99, 145, 93));
      assertThat(weights.parameters()).isEqualTo(new ParameterCounts(151, 99, 151, 87));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "sequential.keras, stem",
    "sequential.keras, batch_normalization_2",
    "functional.keras, layers/functional/layers/batch_normalization",
    "functional.weights.h5, layers/functional/layers/sequential/layers/batch_normalization",
    "functional.keras, row8",
    "subclassed.keras, called",
    "subclassed.weights.h5, blocks/batch_normalization",
    "subclassed.keras, batch_normalization_8",
    "mixed_float16.keras, batch_normalization_9",
    "float16.weights.h5, batch_normalization_10",
    "bfloat16.keras, batch_normalization_11",
    "bfloat16.weights.h5, batch_normalization_11"
  })
  void onlyTheStatisticsOfTheLayerChange(String name, String layer) throws IOException {
    byte[] before = Files.readAllBytes(GOLDEN.resolve(name));
    double[] mean = {-0.5, 4, 0x1p-10};
    double[] variance = {8, 0.25, 3};
    TypedStatistics statistics = dtype -> RunningStatistics.of(mean, variance, 7);
    Path copy = folder.resolve("copy" + name.substring(name.indexOf('.')));
    try (Model model = open(GOLDEN.resolve(name))) {
      CheckpointLayer old = model.checkpoint().layer(layer);
      Files.write(copy, bytes(model.patched(Map.of(layer, statistics)).get(0)));
      try (Model again = open(copy)) {
        Map<String, CheckpointLayer> expected = new HashMap<>(model.checkpoint().layers());
        expected.put(layer, old.withStatistics(mean, variance));
        assertThat(again.checkpoint().layers()).isEqualTo(expected);
        assertThat(again.parameters()).isEqualTo(model.parameters());
      }
      byte[] after = Files.readAllBytes(copy);
      int width = old.dtype().bytes();
      List<Integer> changed = changed(before, after);
      boolean isZip = name.endsWith(".keras");
      List<Integer> inData =
          changed.stream().filter(at -> isWithin(at, old.meanOffset(), 3 * width)).toList();
      List<Integer> ofVariance =
          changed.stream().filter(at -> isWithin(at, old.varianceOffset(), 3 * width)).toList();
      assertThat(inData).isNotEmpty();
      assertThat(ofVariance).isNotEmpty();
      int others = changed.size() - inData.size() - ofVariance.size();
      // The CRC-32 of the weights stands in the local header and in the directory.
      assertThat(others).isBetween(0, isZip ? 8 : 0);
      if (isZip) {
        requireSameButForTheWeights(GOLDEN.resolve(name), copy);
      }
    }
    assertThat(Files.readAllBytes(GOLDEN.resolve(name))).isEqualTo(before);
  }

  private static boolean isWithin(int at, long offset, int bytes) {
    return at >= offset && at < offset + bytes;
  }

  private static List<Integer> changed(byte[] before, byte[] after) {
    assertThat(after).hasSameSizeAs(before);
    List<Integer> changed = new ArrayList<>();
    for (int i = 0; i < before.length; i++) {
      if (before[i] != after[i]) {
        changed.add(i);
      }
    }
    return changed;
  }

  /** The JDK's reader checks every CRC-32. */
  private static void requireSameButForTheWeights(Path before, Path after) throws IOException {
    try (ZipFile a = new ZipFile(before.toFile());
        ZipFile b = new ZipFile(after.toFile())) {
      assertThat(b.size()).isEqualTo(a.size()).isEqualTo(3);
      for (String name : List.of("metadata.json", "config.json", "model.weights.h5")) {
        byte[] content = b.getInputStream(b.getEntry(name)).readAllBytes();
        byte[] original = a.getInputStream(a.getEntry(name)).readAllBytes();
        assertThat(Arrays.equals(content, original)).isEqualTo(name.endsWith(".json"));
      }
    }
  }

  @Test
  void aLayerIsFoundByEveryNameThatMeansNoOther() throws IOException {
    try (Model model = open(GOLDEN.resolve("functional.keras"))) {
      String nested = "layers/functional/layers/sequential/layers/batch_normalization";
      assertThat(model.checkpoint().layers()).containsKeys("row0", "frozen", nested);
      assertThat(model.aliases())
          .containsEntry("layers/batch_normalization_2", "row0")
          .containsEntry("middle/inner/bn", nested)
          .containsEntry("middle/bn", "layers/functional/layers/batch_normalization")
          // Two layers are called so.
          .doesNotContainKey("bn");
    }
    try (Model model = open(GOLDEN.resolve("subclassed.weights.h5"))) {
      assertThat(model.aliases())
          .containsEntry("blocks/block/called", "called")
          .doesNotContainKey("twice");
      assertThat(model.checkpoint().layers())
          .containsKeys("blocks/batch_normalization", "by_name/batch_normalization");
    }
  }

  @Test
  void twoVectorsAreALayerOnlyIfSomethingSaysSo() throws IOException {
    Path file = GOLDEN.resolve("subclassed.weights.h5");
    try (Model model =
        Model.open(STORAGE, file.toString(), ModelFormat.KERAS, ModelOptions.none())) {
      assertThat(model.checkpoint().layers()).hasSize(7).doesNotContainKey("called");
      // What Keras calls after the class is one, and counts; the other's vectors count as trained.
      assertThat(model.checkpoint().layers()).containsKey("batch_normalization_6");
      assertThat(model.parameters()).isEqualTo(new ParameterCounts(63, 49, 63, 42));
    }
  }

  @Test
  void epsilonIsWhatTheConfigurationSaysOfTheLayer() throws IOException {
    try (Model model = open(GOLDEN.resolve("sequential.keras"))) {
      assertThat(model.checkpoint().epsilon()).hasValue(1e-3);
      assertThat(model.checkpoint().epsilon("stem")).hasValue(1e-3);
    }
    try (Model model = open(GOLDEN.resolve("functional.keras"))) {
      assertThat(model.checkpoint().epsilon()).isEmpty();
      assertThat(model.checkpoint().epsilon("row0")).hasValue(1e-5);
      assertThat(model.checkpoint().epsilon("frozen")).hasValue(1e-3);
    }
    try (Model model = open(GOLDEN.resolve("sequential.weights.h5"))) {
      assertThat(model.checkpoint().metadata()).isEmpty();
      assertThat(model.checkpoint().epsilon("stem")).isEmpty();
    }
  }

  @Test
  void aLayerWhoseGammaMayBeABetaIsNotEvaluated() throws IOException {
    try (Model model = open(GOLDEN.resolve("sequential.weights.h5"))) {
      assertThatThrownBy(() -> model.checkpoint().parameters("batch_normalization", 1e-3))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageMatching(
              ".*sequential.weights.h5 at byte [0-9]+: AFFINE_UNKNOWN: layer 'batch_normalization'"
                  + " has a gamma or a beta, and nothing in the file says which; a .keras file does"
                  + " for layers outside of blocks of the user's own");
      assertThat(model.checkpoint().parameters("stem", 1e-3).channels()).isEqualTo(3);
    }
    try (Model model = open(GOLDEN.resolve("sequential.keras"))) {
      assertThat(model.checkpoint().parameters("batch_normalization", 1e-3).beta()).isPresent();
    }
  }

  @Test
  void valuesOfTheOtherByteOrderAreReadAndReplacedInIt() throws IOException {
    Path file = GOLDEN.resolve("float64-big-endian.weights.h5");
    try (Model model = open(file);
        Model little = open(GOLDEN.resolve("float64.weights.h5"))) {
      String name = "batch_normalization_12";
      assertThat(model.checkpoint().layers()).isEqualTo(little.checkpoint().layers());
      TypedStatistics statistics =
          dtype -> RunningStatistics.of(new double[] {1, 2, 3}, new double[] {4, 5, 6}, 1);
      ByteBuffer after = ByteBuffer.wrap(bytes(model.patched(Map.of(name, statistics)).get(0)));
      int offset = (int) model.checkpoint().layer(name).varianceOffset();
      assertThat(after.order(ByteOrder.BIG_ENDIAN).getDouble(offset + 8)).isEqualTo(5);
    }
  }

  @Test
  void valuesInsideAnObjectHeaderAreReadButNotReplaced() throws IOException {
    try (Model model = open(GOLDEN.resolve("float64-compact.weights.h5"));
        Model usual = open(GOLDEN.resolve("float64.weights.h5"))) {
      assertThat(model.checkpoint().layers()).isEqualTo(usual.checkpoint().layers());
      TypedStatistics statistics =
          dtype -> RunningStatistics.of(new double[3], new double[] {1, 1, 1}, 1);
      assertThatThrownBy(() -> model.patched(Map.of("batch_normalization_12", statistics)))
          .isInstanceOf(MalformedFileException.class)
          .hasMessageEndingWith(
              "NOT_PATCHABLE: tensor 'batch_normalization_12/moving_mean' cannot be replaced where"
                  + " it stands: its values are inside the object header; save it with Keras");
    }
  }

  @Test
  void valuesInChunksAreNotRead() {
    requireRejected(
        GOLDEN.resolve("float64-compressed.weights.h5"),
        "HDF5_LAYOUT: the values of 'batch_normalization_12/gamma' are in chunks, perhaps"
            + " compressed, expected in one piece, as Keras saves them: load the weights in Keras"
            + " and save them again");
  }

  @Test
  void filesThatAreNotKeras3s() throws IOException {
    requireRejected(
        GOLDEN.resolve("legacy.weights.h5"),
        "legacy.weights.h5: HDF5_LEGACY: weights as Keras 2 kept them; load the model in Keras 3"
            + " and save it as .keras or .weights.h5");
    Path elsewhere = GOLDEN.resolve("../../hdf5/h5py-3.14.0/tree-old.h5");
    Path noKeras = Files.copy(elsewhere, folder.resolve("tree.weights.h5"));
    requireRejected(
        noKeras,
        "tree.weights.h5: NO_LAYERS: none of the 0 tensors is a running mean or variance"
            + " (running_mean, running_var, moving_mean, moving_variance)");
  }

  @Test
  void zipsThatAreNotKeras3s() throws IOException {
    byte[] weights = Files.readAllBytes(GOLDEN.resolve("float64.weights.h5"));
    byte[] config = "{}".getBytes(StandardCharsets.UTF_8);
    String saved = " in the zip, expected what Keras 3 saves by default (weights_format=\"h5\")";
    requireRejected(zip(Map.of("config.json", config)), "KERAS_ENTRY: no model.weights.h5" + saved);
    requireRejected(
        zip(Map.of("model.weights.h5", weights)), "KERAS_ENTRY: no config.json" + saved);
    requireRejected(
        zip(Map.of("config.json", config, "model.weights.h5", new byte[100])),
        "m.keras!/model.weights.h5 at byte 0: HDF5_SIGNATURE");
    requireRejected(
        zip(Map.of("config.json", Arrays.copyOf(config, 3), "model.weights.h5", weights)),
        "m.keras!/config.json at byte ");
    Path good = zip(Map.of("config.json", config, "model.weights.h5", weights));
    try (Model model = open(good)) {
      assertThat(model.checkpoint().layers()).containsOnlyKeys("batch_normalization_12");
    }
    byte[] bytes = Files.readAllBytes(good);
    int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("{}");
    bytes[at + 1] = ' ';
    Files.write(good, bytes);
    requireRejected(good, "ZIP_CRC: CRC-32 of 'config.json' is ");
  }

  private Path zip(Map<String, byte[]> entries) throws IOException {
    ZipWriter writer = new ZipWriter();
    entries.forEach(writer::add);
    return Files.write(folder.resolve("m.keras"), writer.toBytes());
  }

  @Test
  void weightsThatAZipDeflatedAreRefused() throws IOException {
    Path file = folder.resolve("m.keras");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (String name : List.of("config.json", "model.weights.h5")) {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(
            name.endsWith("h5")
                ? Files.readAllBytes(GOLDEN.resolve("float64.weights.h5"))
                : new byte[] {'{', '}'});
        zip.closeEntry();
      }
    }
    requireRejected(
        file,
        "ZIP_METHOD: model.weights.h5 is deflated; Keras stores it: load the model in Keras and"
            + " save it again");
  }

  private static void requireRejected(Path file, String message) {
    assertThatThrownBy(() -> open(file).close())
        .isInstanceOf(MalformedFileException.class)
        .hasMessageContaining(message);
  }
}
