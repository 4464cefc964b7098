package org.sparkbatchnorm.estimator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches;
import org.sparkbatchnorm.estimator.Estimator.Options;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.source.ShardFormat;
import org.sparkbatchnorm.source.ShardTensor;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;

/** What the frameworks' own layers hold after training steps on the golden mini-batches. */
class RunningGoldenTest {
  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""), "src", "test", "resources", "golden");
  private static final Path MINI_BATCHES =
      GOLDEN.resolve(Path.of("safetensors", "safetensors-0.8.0", "mini-batches.safetensors"));

  /** A layer's mini-batches in the order of their numbers. */
  private static List<ChannelMoments> miniBatches(String layer) throws IOException {
    StoredFile file = Storage.of(new Configuration()).file(MINI_BATCHES.toString());
    byte[] bytes = Files.readAllBytes(MINI_BATCHES);
    Map<Integer, ChannelMoments> batches = new TreeMap<>();
    for (ShardTensor tensor :
        ShardFormat.SAFETENSORS.read(Storage.of(new Configuration()), file).tensors()) {
      int slash = tensor.name().lastIndexOf('/');
      if (tensor.name().substring(0, slash).equals(layer)) {
        ByteBuffer floats =
            ByteBuffer.wrap(bytes, (int) tensor.offset(), (int) tensor.bytes())
                .order(ByteOrder.LITTLE_ENDIAN);
        double[] values = new double[(int) tensor.shape().elements()];
        Arrays.setAll(values, i -> floats.getFloat());
        batches.put(
            Integer.valueOf(tensor.name().substring(slash + 1)),
            Layers.moments(
                ChannelLayout.CHANNELS_FIRST.view(tensor.shape(), ElementOrder.ROW_MAJOR), values));
      }
    }
    return List.copyOf(batches.values());
  }

  /**
   * Tolerance in units of the last place, of each of the two numbers at most about 10. Frameworks
   * round a few times at each of 4 steps, and sum up to 42 values of a mini-batch; the fused
   * operator does it in float32.
   */
  @ParameterizedTest
  @CsvSource({
    "torch-2.15.0, PYTORCH, 2, 0x1p-50",
    "keras-3.15.1, KERAS, 2, 0x1p-50",
    "tf_keras-2.21.0, KERAS_FUSED, 1, 0x1p-20"
  })
  void runningStatisticsAreTheFrameworks(
      String producer, Convention convention, int layers, double relative) throws IOException {
    JsonNode expected =
        new ObjectMapper()
            .readTree(GOLDEN.resolve(Path.of("running", producer, "expected.json")).toFile())
            .get("layers");
    assertThat(expected).hasSize(layers);
    for (Iterator<String> names = expected.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      List<ChannelMoments> batches = miniBatches(name);
      assertThat(batches).hasSize(4);
      assertThat(expected.get(name).size()).isGreaterThanOrEqualTo(10);
      for (JsonNode run : expected.get(name)) {
        assertRun(producer + ", " + name, convention, batches, run, relative);
      }
    }
  }

  private static void assertRun(
      String what,
      Convention convention,
      List<ChannelMoments> batches,
      JsonNode run,
      double relative) {
    JsonNode momentum = run.get("momentum");
    int channels = batches.get(0).channels();
    double[] mean = new double[channels];
    double[] variance = new double[channels];
    Arrays.fill(mean, run.get("start").get("mean").asDouble());
    Arrays.fill(variance, run.get("start").get("variance").asDouble());
    Estimator estimator =
        Estimator.movingAverage(
                new Options(
                    IncompleteMiniBatches.REFUSE,
                    convention,
                    momentum.isNull()
                        ? OptionalDouble.empty()
                        : OptionalDouble.of(momentum.asDouble())))
            .startingFrom(Map.of("bn", RunningStatistics.of(mean, variance, 0)));
    RunningStatistics found =
        estimator.estimate(
            Layers.layer(List.of(estimator), channels, batches, 1),
            NonFinitePolicy.FAIL,
            DType.F64);
    for (int c = 0; c < channels; c++) {
      String where = what + ", momentum " + momentum + ", channel " + c;
      double wantedMean = run.get("mean").get(c).asDouble();
      double wantedVariance = run.get("variance").get(c).asDouble();
      assertThat(found.mean()[c])
          .as(where)
          .isCloseTo(wantedMean, within(relative * Math.abs(wantedMean)));
      assertThat(found.variance()[c])
          .as(where)
          .isCloseTo(wantedVariance, within(relative * Math.abs(wantedVariance)));
    }
  }
}
