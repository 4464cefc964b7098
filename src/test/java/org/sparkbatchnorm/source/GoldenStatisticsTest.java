package org.sparkbatchnorm.source;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.estimator.Estimator;
import org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches;
import org.sparkbatchnorm.estimator.Estimator.Options;
import org.sparkbatchnorm.estimator.NonFinitePolicy;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.source.Split.Piece;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.ChannelMomentsAccumulator;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.statistics.MiniBatchAccumulator;
import org.sparkbatchnorm.statistics.MiniBatchTerms;
import org.sparkbatchnorm.statistics.MiniBatchTerms.Variance;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * From files that numpy and safetensors wrote to running statistics, without Spark; the numbers
 * expected are numpy's in float64 and, for {@code paper}, PyTorch's update_bn.
 */
class GoldenStatisticsTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""), "src", "test", "resources", "golden");
  private static final Path NPY = GOLDEN.resolve(Path.of("npy", "numpy-2.4.6"));
  private static final Path SAFETENSORS =
      GOLDEN.resolve(Path.of("safetensors", "safetensors-0.8.0"));

  /** 2^-53 for each rounding of a sum of up to 120 values, in numpy and here. */
  private static final double TOLERANCE = 240 * 0x1p-53;

  private final Storage storage = Storage.of(new Configuration());

  /** Split sizes: a row each, a few rows, all. */
  @ParameterizedTest
  @ValueSource(longs = {1, 100, 7000, 1 << 20})
  void npyFilesOfNumpy(long splitBytes) throws IOException {
    JsonNode expected = new ObjectMapper().readTree(NPY.resolve("expected.json").toFile());
    int checked = 0;
    for (Iterator<String> it = expected.get("files").fieldNames(); it.hasNext(); ) {
      String file = it.next();
      JsonNode array =
          expected.get("arrays").get(expected.get("files").get(file).get("array").asText());
      if (array.get("shape").size() >= 2) {
        Map<String, LayerMoments> layers =
            count(ShardFormat.NPY, NPY.resolve(file), layoutOf(array), splitBytes);
        String name = Path.of(file).getFileName().toString().replace(".npy", "");
        checked += check(file, layers.get(name), array.get("statistics"));
      }
    }
    // All but the scalar, the vector and two without elements.
    assertThat(checked).isEqualTo(expected.get("files").size() - 4);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 100, 7000, 1 << 20})
  void safetensorsFilesOfEveryType(long splitBytes) throws IOException {
    JsonNode expected = new ObjectMapper().readTree(SAFETENSORS.resolve("expected.json").toFile());
    for (String file :
        List.of(
            "all-dtypes-nchw.safetensors",
            "all-dtypes-nhwc.safetensors",
            "names-and-metadata.safetensors")) {
      JsonNode tensors = expected.get("files").get(file).get("tensors");
      JsonNode array = expected.get("arrays").get(tensors.elements().next().asText());
      Map<String, LayerMoments> layers =
          count(ShardFormat.SAFETENSORS, SAFETENSORS.resolve(file), layoutOf(array), splitBytes);
      assertThat(layers).hasSize(tensors.size());
      for (Map.Entry<String, LayerMoments> layer : layers.entrySet()) {
        check(file + " " + layer.getKey(), layer.getValue(), array.get("statistics"));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 100, 7000, 1 << 20})
  void miniBatchesOfOneFileAndOfSeveral(long splitBytes) throws IOException {
    JsonNode expected = new ObjectMapper().readTree(SAFETENSORS.resolve("expected.json").toFile());
    for (String path : List.of("mini-batches.safetensors", "shards")) {
      Map<String, LayerMoments> layers =
          count(
              ShardFormat.SAFETENSORS,
              SAFETENSORS.resolve(path),
              ChannelLayout.CHANNELS_FIRST,
              splitBytes);
      assertThat(layers).containsOnlyKeys("bn", "features.1.bn");
      for (Map.Entry<String, LayerMoments> layer : layers.entrySet()) {
        JsonNode statistics = expected.get("layers").get(layer.getKey());
        check(path + " " + layer.getKey(), layer.getValue(), statistics);
      }
    }
  }

  private static ChannelLayout layoutOf(JsonNode array) {
    return ChannelLayout.ofWord(array.get("layout").asText()).orElseThrow();
  }

  /** Everything of a file or folder, split by split. */
  private Map<String, LayerMoments> count(
      ShardFormat format, Path path, ChannelLayout layout, long splitBytes) throws IOException {
    List<Shard> shards = new ArrayList<>();
    for (StoredFile file : storage.list(List.of(path.toString()))) {
      shards.add(format.read(storage, file));
    }
    ActivationPlan plan =
        ActivationPlanner.select(selection(layout), MiniBatchRule.TENSORS, shards).cut(splitBytes);
    Map<PlannedTensor, ChannelMoments> batches = new HashMap<>();
    SplitReader reader = new SplitReader(storage);
    for (Split split : plan.splits()) {
      reader.read(split, sinkInto(batches));
    }
    Map<String, Counted> layers = new TreeMap<>();
    batches.forEach(
        (tensor, moments) ->
            layers.merge(
                plan.layers().get(tensor.layer()).name(),
                layer(tensor, moments),
                GoldenStatisticsTest::plus));
    Map<String, LayerMoments> named = new TreeMap<>();
    layers.forEach((name, layer) -> named.put(name, layer.moments(name)));
    return named;
  }

  /** What is counted of a layer; only its last word is asked for averages. */
  private record Counted(ChannelMoments pooled, MiniBatchAccumulator averages, long miniBatches) {
    LayerMoments moments(String name) {
      return new LayerMoments(name, pooled, miniBatches, averages.snapshot());
    }
  }

  private static SplitReader.Sink sinkInto(Map<PlannedTensor, ChannelMoments> batches) {
    return new SplitReader.Sink() {
      private PlannedTensor tensor;

      @Override
      public void begin(Piece piece) {
        tensor = piece.tensor();
      }

      @Override
      public void add(TensorBlock block) {
        ChannelMomentsAccumulator accumulator =
            ChannelMomentsAccumulator.forChannels(block.view().channels(), Accumulation.WELFORD);
        assertThat(accumulator.add(block)).isEqualTo(ChannelMomentsAccumulator.ALL_FINITE);
        batches.merge(tensor, accumulator.snapshot(), ChannelMoments::merge);
      }
    };
  }

  private static Counted layer(PlannedTensor tensor, ChannelMoments moments) {
    MiniBatchAccumulator averages =
        MiniBatchAccumulator.forChannels(
            moments.channels(), List.of(MiniBatchTerms.ofEqualWeight(Variance.UNBIASED)));
    averages.add(moments, new MiniBatchAccumulator.MiniBatch(tensor.display(), 1, 0));
    return new Counted(moments, averages, 1);
  }

  private static Counted plus(Counted a, Counted b) {
    a.averages().merge(b.averages());
    return new Counted(
        a.pooled().merge(b.pooled()), a.averages(), a.miniBatches() + b.miniBatches());
  }

  /** The mini-batch's number follows the last slash; without one, the name is the layer's. */
  private static LayerSelection selection(ChannelLayout layout) {
    return new LayerSelection() {
      @Override
      public Optional<String> layerOf(String tensor) {
        int slash = tensor.lastIndexOf('/');
        return Optional.of(slash < 0 ? tensor : tensor.substring(0, slash));
      }

      @Override
      public Optional<String> keyOf(String tensor) {
        return Optional.empty();
      }

      @Override
      public boolean isWanted(String layer) {
        return true;
      }

      @Override
      public ChannelLayout layoutOf(String layer) {
        return layout;
      }

      @Override
      public String pattern() {
        return "LAYER[/NUMBER]";
      }
    };
  }

  /** 1 if there was something to compare. */
  private static int check(String what, LayerMoments layer, JsonNode expected) {
    if (expected.isNull()) {
      assertThat(layer).as(what).isNull();
      return 0;
    }
    assertThat(layer.pooled().channels()).as(what).isEqualTo(expected.get("channels").asInt());
    assertThat(expected.get("variance").size()).as(what).isGreaterThanOrEqualTo(2);
    assertThat(layer.miniBatches()).as(what).isEqualTo(expected.get("miniBatches").asLong());
    for (int c = 0; c < layer.pooled().channels(); c++) {
      assertThat(layer.pooled().count(c)).isEqualTo(expected.get("count").get(c).asLong());
    }
    for (Iterator<String> it = expected.get("variance").fieldNames(); it.hasNext(); ) {
      String estimator = it.next();
      RunningStatistics found =
          Estimator.ofName(estimator, Options.of(IncompleteMiniBatches.REFUSE, Convention.PYTORCH))
              .orElseThrow()
              .estimate(layer, NonFinitePolicy.FAIL, DType.F64);
      JsonNode means = expected.path("means").path(estimator);
      JsonNode mean = means.isMissingNode() ? expected.get("mean") : means;
      for (int c = 0; c < found.channels(); c++) {
        double m = mean.get(c).asDouble();
        double v = expected.get("variance").get(estimator).get(c).asDouble();
        assertNear(what, found.mean()[c], m, TOLERANCE);
        // Each merge of two parts squares a difference of means, each rounded to 2^-53 of itself.
        assertNear(what, found.variance()[c], v, TOLERANCE * (1 + Math.abs(m) / Math.sqrt(v)));
      }
    }
    return 1;
  }

  private static void assertNear(String what, double found, double expected, double tolerance) {
    assertThat(Math.abs(found - expected))
        .as("%s: %s, expected %s", what, found, expected)
        .isLessThanOrEqualTo(tolerance * Math.abs(expected));
  }
}
