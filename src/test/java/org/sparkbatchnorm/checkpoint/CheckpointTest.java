package org.sparkbatchnorm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.tensor.DType;

/** What a checkpoint in memory says, and what it refuses to evaluate. */
class CheckpointTest {
  private static final double[] MEAN = {1, 2};
  private static final double[] VARIANCE = {3, 4};

  @Test
  void parametersAreThoseOfTheLayer() throws Exception {
    CheckpointLayer plain = CheckpointLayer.of(DType.F32, MEAN, VARIANCE);
    Checkpoint checkpoint =
        Checkpoint.of(
            Map.of(
                "plain",
                plain,
                "affine",
                plain.withGamma(new double[] {5, 6}).withBeta(new double[] {7, 8})),
            Map.of());
    assertThat(checkpoint.parameters("plain", 1e-5))
        .isEqualTo(BatchNormParameters.of(MEAN, VARIANCE, 1e-5));
    assertThat(checkpoint.parameters("affine", 1e-3))
        .isEqualTo(
            BatchNormParameters.of(MEAN, VARIANCE, 1e-3)
                .withGamma(new double[] {5, 6})
                .withBeta(new double[] {7, 8}));
  }

  @Test
  void layersKeepTheirOrderAndMetadataAreSorted() {
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    for (String name : new String[] {"z", "", "a"}) {
      layers.put(name, CheckpointLayer.of(DType.F32, MEAN, VARIANCE));
    }
    Map<String, String> metadata = new LinkedHashMap<>(Map.of("b", "1"));
    metadata.put("a", "2");
    Checkpoint checkpoint = Checkpoint.of(layers, metadata);
    assertThat(checkpoint.layers().keySet()).containsExactly("z", "", "a");
    assertThat(checkpoint.metadata()).containsExactly(Map.entry("a", "2"), Map.entry("b", "1"));
  }

  @Test
  void statisticsBecomeALayerInFullPrecision() {
    CheckpointLayer layer = CheckpointLayer.of(RunningStatistics.of(MEAN, VARIANCE, 9));
    assertThat(layer)
        .isEqualTo(CheckpointLayer.of(DType.F64, MEAN, VARIANCE).withBatchesTracked(9));
    assertThat(layer.channels()).isEqualTo(2);
    assertThat(layer.batchesTracked()).hasValue(9);
    assertThat(layer.gamma()).isEmpty();
  }

  @Test
  void layerIsUntouchedByWhatBecomesOfItsArrays() {
    double[] mean = MEAN.clone();
    CheckpointLayer layer = CheckpointLayer.of(DType.F32, mean, VARIANCE);
    mean[0] = 99;
    layer.mean()[0] = 99;
    layer.variance()[0] = 99;
    assertThat(layer.mean()).isEqualTo(MEAN);
    assertThat(layer.variance()).isEqualTo(VARIANCE);
  }

  @Test
  void layersOfUnequalLengthsOrWithoutFractionsAreRefused() {
    CheckpointLayer layer = CheckpointLayer.of(DType.F32, MEAN, VARIANCE);
    assertThatThrownBy(() -> CheckpointLayer.of(DType.F32, MEAN, new double[3]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("variance has 3 channels, but the running mean has 2");
    assertThatThrownBy(() -> layer.withGamma(new double[1]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("gamma has 1 channels, but the running mean has 2");
    assertThatThrownBy(() -> layer.withBeta(new double[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("beta has 0 channels, but the running mean has 2");
    assertThatThrownBy(() -> CheckpointLayer.of(DType.I64, MEAN, VARIANCE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("I64 is not a floating-point type");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "NaN; 1; 1e-5; MEAN: running mean of channel 1 is NaN, expected a finite number",
        "-Infinity; 1; 1e-5; MEAN: running mean of channel 1 is -Infinity, expected a finite number",
        "NaN; NaN; 1e-5; VARIANCE: running variance of channel 1 is NaN, expected at least 0",
        "0; -1e-9; 1e-5; VARIANCE: running variance of channel 1 is -1.0E-9, expected at least 0",
        "0; 0; 0; VARIANCE: running variance of channel 1 is 0.0 and so is epsilon"
      })
  void valuesWithoutEvaluationAreRefusedOnlyWhenAskedFor(
      double mean, double variance, double epsilon, String message) throws Exception {
    CheckpointLayer layer =
        CheckpointLayer.of(DType.F32, new double[] {0, mean}, new double[] {1, variance});
    Checkpoint checkpoint = Checkpoint.of(Map.of("bn1", layer), Map.of());
    assertThat(checkpoint.layer("bn1").variance()).containsExactly(1, variance);
    assertThatThrownBy(() -> checkpoint.parameters("bn1", epsilon))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage("checkpoint in memory: " + message + ", in layer 'bn1'");
  }

  @Test
  void infiniteVarianceIsAValue() throws Exception {
    // What a variance beyond 65504 is in F16; the layer then gives beta.
    CheckpointLayer layer =
        CheckpointLayer.of(DType.F16, new double[1], new double[] {Double.POSITIVE_INFINITY});
    assertThat(Checkpoint.of(Map.of("", layer), Map.of()).parameters("", 0).variance()[0])
        .isInfinite();
  }

  @Test
  void missingLayerNamesTheLayersThatAreThere() {
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    layers.put("bn1", CheckpointLayer.of(DType.F32, MEAN, VARIANCE));
    layers.put("bn2", CheckpointLayer.of(DType.F32, MEAN, VARIANCE));
    assertThatThrownBy(() -> Checkpoint.of(layers, Map.of()).parameters("bn3", 1e-5))
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "checkpoint in memory: LAYER_MISSING: no layer 'bn3', expected one of 'bn1', 'bn2'");
    for (int i = 3; i <= 12; i++) {
      layers.put("bn" + i, CheckpointLayer.of(DType.F32, MEAN, VARIANCE));
    }
    assertThatThrownBy(() -> Checkpoint.of(layers, Map.of()).layer("x"))
        .isInstanceOf(MalformedFileException.class)
        .hasMessageEndingWith("'bn9', 'bn10', ... (12 layers)");
  }

  @ParameterizedTest
  @CsvSource({"1e-05, 1e-5", "1.0E-5, 1e-5", "0, 0", "0.001, 1e-3", "1e-400, 0", "5, 5"})
  void epsilonIsReadFromTheMetadata(String text, double epsilon) throws Exception {
    assertThat(Checkpoint.of(Map.of(), Map.of(MetadataKeys.EPSILON, text)).epsilon())
        .hasValue(epsilon);
  }

  @Test
  void epsilonMayBeAbsent() throws Exception {
    assertThat(Checkpoint.of(Map.of(), Map.of()).epsilon()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "NaN", "Infinity", "-1e-5", "1e999", "0x1p-3", "1f", " 1", "eps", "."})
  void malformedEpsilonIsRefused(String text) {
    assertThatThrownBy(() -> Checkpoint.of(Map.of(), Map.of(MetadataKeys.EPSILON, text)).epsilon())
        .isInstanceOf(MalformedFileException.class)
        .hasMessage(
            "checkpoint in memory: METADATA: spark-batchnorm.epsilon must be a finite decimal"
                + " number of at least 0, found '"
                + text
                + "'");
  }
}
