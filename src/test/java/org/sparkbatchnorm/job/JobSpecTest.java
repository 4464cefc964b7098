package org.sparkbatchnorm.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.estimator.Estimator;
import org.sparkbatchnorm.estimator.Estimator.IncompleteMiniBatches;
import org.sparkbatchnorm.estimator.Estimator.Options;
import org.sparkbatchnorm.estimator.NonFinitePolicy;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.source.MiniBatching;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.DType;

class JobSpecTest {
  private static final String SMALLEST =
      """
      input:
        paths: in
      checkpoint:
        path: out.safetensors
      """;

  private static final String EVERYTHING =
      """
      input:
        paths: [a, "s3a://bucket/b"]
        format: parquet
        layout: NHWC
        layouts:
          "*.bn1": NCHW
          "*": channels-last
        layer-pattern: "(?<layer>[^#]+)(#(?<batch>.*))?"
        layers:
          - bn*
          - 0
        non-finite: skip
        columns: {layer: l, data: d, shape: s, dtype: t, batch: b}
        split-size: 64MiB
      statistics:
        estimator: [paper, pooled-biased]
        mini-batch: 32
        momentum: 0.75
        initial: model
        drop-incomplete: true
        accumulator: welford
      checkpoint:
        path: /out/x.pt
        model: old.pt
        state-dict: net
        names: {bn1: backbone.bn1, bn2: b}
        convention: flax
        dtype: BF16
        epsilon: 1e-3
        overwrite: true
      report:
        path: r.json
      """;

  private static final JobSpec.Model MODEL =
      new JobSpec.Model(
          "/w/jobs/old.pt", Optional.of("net"), Map.of("bn1", "backbone.bn1", "bn2", "b"));

  private static JobSpec parse(String yaml, Assignment... commandLine) {
    JobFile file = new JobFile("job.yaml", yaml, "/w/jobs");
    return JobSpec.parse(Optional.of(file), List.of(commandLine), "/here");
  }

  @Test
  void whatIsNotSaidIsTheDefault() {
    JobSpec job = JobSpec.parse(new JobFile("job.yaml", SMALLEST, "/w/jobs"));
    JobSpec.Input input = job.input();
    assertThat(input.paths()).containsExactly("/w/jobs/in");
    assertThat(input.format()).isEmpty();
    assertThat(input.layout()).isEqualTo(ChannelLayout.CHANNELS_FIRST);
    assertThat(input.layouts()).isEmpty();
    assertThat(input.layerPattern()).hasToString("(?<layer>.+?)(/(?<batch>[0-9]+))?");
    assertThat(input.layers()).isEmpty();
    assertThat(input.nonFinite()).isEqualTo(NonFinitePolicy.FAIL);
    assertThat(input.columns())
        .isEqualTo(new JobSpec.Columns("layer", "data", "shape", "dtype", "batch"));
    assertThat(input.splitSizeBytes()).isEmpty();
    assertThat(job.statistics())
        .isEqualTo(
            new JobSpec.Statistics(
                List.of(Estimator.pooledUnbiased()),
                new Options(
                    IncompleteMiniBatches.REFUSE, Convention.PYTORCH, OptionalDouble.of(0.1)),
                MiniBatching.TENSOR,
                JobSpec.Initial.FRESH,
                Accumulation.EXACT));
    assertThat(job.output())
        .isEqualTo(
            new JobSpec.Output(
                "/w/jobs/out.safetensors",
                Optional.empty(),
                Convention.PYTORCH,
                DType.F32,
                1e-5,
                false));
    assertThat(job.reportPath()).isEmpty();
  }

  @Test
  void aJobFileReachesEverySetting() {
    JobSpec job = parse(EVERYTHING);
    JobSpec.Input input = job.input();
    assertThat(input.paths()).containsExactly("/w/jobs/a", "s3a://bucket/b");
    assertThat(input.format()).contains(InputFormat.PARQUET);
    assertThat(input.layout()).isEqualTo(ChannelLayout.NHWC);
    assertThat(input.layouts())
        .containsExactly(
            Map.entry("*.bn1", ChannelLayout.NCHW), Map.entry("*", ChannelLayout.CHANNELS_LAST));
    assertThat(input.layerPattern()).hasToString("(?<layer>[^#]+)(#(?<batch>.*))?");
    assertThat(input.layers()).containsExactly("bn*", "0");
    assertThat(input.nonFinite()).isEqualTo(NonFinitePolicy.SKIP);
    assertThat(input.columns()).isEqualTo(new JobSpec.Columns("l", "d", "s", "t", "b"));
    assertThat(input.splitSizeBytes()).isEqualTo(OptionalLong.of(64L << 20));
    assertThat(job.statistics())
        .isEqualTo(
            new JobSpec.Statistics(
                List.of(Estimator.paper(IncompleteMiniBatches.DROP), Estimator.pooledBiased()),
                new Options(IncompleteMiniBatches.DROP, Convention.FLAX, OptionalDouble.of(0.75)),
                MiniBatching.ofRows(32),
                JobSpec.Initial.MODEL,
                Accumulation.WELFORD));
    assertThat(job.statistics().forCheckpoint().name()).isEqualTo("paper");
    assertThat(job.output())
        .isEqualTo(
            new JobSpec.Output(
                "/out/x.pt", Optional.of(MODEL), Convention.FLAX, DType.BF16, 1e-3, true));
    assertThat(job.reportPath()).contains("/w/jobs/r.json");
  }

  @Test
  void theCommandLineReplacesTheJobFile() {
    JobSpec job =
        parse(
            EVERYTHING,
            Assignment.ofOption(Setting.INPUT_PATHS, "x/*"),
            Assignment.ofOption(Setting.INPUT_PATHS, "../y"),
            Assignment.parse("input.paths=z"),
            Assignment.parse("input.layers=a,b"),
            Assignment.parse("input.columns.data=values"),
            Assignment.parse("checkpoint.overwrite=false"),
            Assignment.ofOption(Setting.INPUT_FORMAT, "npy"),
            Assignment.ofOption(Setting.STATISTICS_ESTIMATOR, "pooled-unbiased, paper"),
            Assignment.ofOption(Setting.STATISTICS_MINI_BATCH, "key"),
            Assignment.ofOption(Setting.STATISTICS_MOMENTUM, "1"),
            Assignment.ofOption(Setting.STATISTICS_INITIAL, "fresh"),
            Assignment.ofOption(Setting.CHECKPOINT_PATH, "o.pt"),
            Assignment.ofOption(Setting.CHECKPOINT_MODEL, "m.pt"),
            Assignment.ofOption(Setting.CHECKPOINT_CONVENTION, "onnx"),
            Assignment.parse("checkpoint.state-dict=ema"),
            Assignment.parse("checkpoint.names.bn2=c"),
            Assignment.parse("checkpoint.names.a=b=d"),
            Assignment.ofOption(Setting.REPORT_PATH, "hdfs://nn/r.json"));
    assertThat(job.input().paths()).containsExactly("/here/x/*", "/y", "/here/z");
    assertThat(job.input().layers()).containsExactly("a,b");
    assertThat(job.input().columns()).isEqualTo(new JobSpec.Columns("l", "values", "s", "t", "b"));
    assertThat(job.input().format()).contains(InputFormat.NPY);
    assertThat(job.statistics().estimators())
        .containsExactly(Estimator.pooledUnbiased(), Estimator.paper(IncompleteMiniBatches.DROP));
    assertThat(job.statistics().options())
        .isEqualTo(new Options(IncompleteMiniBatches.DROP, Convention.ONNX, OptionalDouble.of(1)));
    assertThat(job.statistics().miniBatching()).isEqualTo(MiniBatching.KEY);
    assertThat(job.statistics().initial()).isEqualTo(JobSpec.Initial.FRESH);
    assertThat(job.output())
        .isEqualTo(
            new JobSpec.Output(
                "/here/o.pt",
                Optional.of(
                    new JobSpec.Model(
                        "/here/m.pt",
                        Optional.of("ema"),
                        Map.of("bn1", "backbone.bn1", "bn2", "c", "a=b", "d"))),
                Convention.ONNX,
                DType.BF16,
                1e-3,
                false));
    assertThat(job.reportPath()).contains("hdfs://nn/r.json");
  }

  @ParameterizedTest
  @CsvSource({
    "x.pt, pytorch, 1e-5, 0.1",
    "x.pth, pytorch, 1e-5, 0.1",
    "x.npz, pytorch, 1e-5, 0.1",
    "x.safetensors.index.json, pytorch, 1e-5, 0.1",
    "x.weights.h5, keras, 1e-3, 0.99",
    "x.keras, keras, 1e-3, 0.99"
  })
  void theModelsFormatSaysTheConventionWhichSaysEpsilonAndMomentum(
      String model, String convention, double epsilon, double momentum) {
    Assignment output = Assignment.ofOption(Setting.CHECKPOINT_PATH, "new-" + model);
    JobSpec job = parse(SMALLEST, output, Assignment.ofOption(Setting.CHECKPOINT_MODEL, model));
    assertThat(job.output().convention().word()).isEqualTo(convention);
    assertThat(job.output().epsilon()).isEqualTo(epsilon);
    assertThat(job.statistics().options().convention()).isEqualTo(job.output().convention());
    assertThat(job.statistics().options().momentum()).hasValue(momentum);
    JobSpec said =
        parse(
            SMALLEST,
            output,
            Assignment.ofOption(Setting.CHECKPOINT_MODEL, model),
            Assignment.ofOption(Setting.CHECKPOINT_CONVENTION, "keras-fused"));
    assertThat(said.output().convention()).isEqualTo(Convention.KERAS_FUSED);
    assertThat(said.output().epsilon()).isEqualTo(1e-3);
    assertThat(said.statistics().options().momentum()).hasValue(0.99);
  }

  @Test
  void momentumNoneIsTheCumulativeAverage() {
    JobSpec job = parse(SMALLEST, Assignment.ofOption(Setting.STATISTICS_MOMENTUM, "none"));
    assertThat(job.statistics().options().momentum()).isEmpty();
  }

  /** Its format is the model's; a name that says another would only mislead. */
  @ParameterizedTest
  @ValueSource(strings = {"new.keras", "new.weights.h5", "new.h5", "new"})
  void aCopyOfAModelHasNoNameOfAnotherFormat(String name) {
    Assignment model = Assignment.ofOption(Setting.CHECKPOINT_MODEL, "s3a://b/m.keras");
    JobSpec job = parse(SMALLEST, model, Assignment.ofOption(Setting.CHECKPOINT_PATH, name));
    assertThat(job.output().path()).isEqualTo("/here/" + name);
    assertThat(job.output().model())
        .contains(new JobSpec.Model("s3a://b/m.keras", Optional.empty(), Map.of()));
    assertThatThrownBy(() -> parse(SMALLEST, model))
        .isInstanceOf(JobSpecException.class)
        .hasMessage(
            "job.yaml:4: checkpoint.path: found out.safetensors; expected a path that ends in"
                + " .keras, .weights.h5, as the model's");
  }

  @Test
  void theLastOfSeveralOnTheCommandLineCounts() {
    JobSpec job =
        parse(
            SMALLEST,
            Assignment.ofOption(Setting.INPUT_LAYOUT, "NCHW"),
            Assignment.parse("input.layout=NHWC"),
            Assignment.ofOption(Setting.CHECKPOINT_OVERWRITE, "true"));
    assertThat(job.input().layout()).isEqualTo(ChannelLayout.NHWC);
    assertThat(job.output().overwrite()).isTrue();
  }

  @Test
  void layoutsOnTheCommandLineAreTriedFirst() {
    JobSpec job =
        parse(
            EVERYTHING,
            Assignment.parse("input.layouts.layer1.0.*=NHWC"),
            Assignment.parse("input.layouts.a=b=NCL"),
            Assignment.parse("input.layouts.*.bn1=NCDHW"));
    assertThat(job.input().layouts())
        .containsExactly(
            Map.entry("layer1.0.*", ChannelLayout.NHWC),
            Map.entry("a=b", ChannelLayout.NCL),
            Map.entry("*.bn1", ChannelLayout.NCDHW),
            Map.entry("*", ChannelLayout.CHANNELS_LAST));
    assertThat(job.input().selection().layoutOf("layer1.0.bn1")).isEqualTo(ChannelLayout.NHWC);
    assertThat(job.input().selection().layoutOf("layer2.bn1")).isEqualTo(ChannelLayout.NCDHW);
    assertThat(job.input().selection().layoutOf("fc")).isEqualTo(ChannelLayout.CHANNELS_LAST);
  }

  @Test
  void layersThatNoGlobMatchesHaveTheGeneralLayout() {
    JobSpec job = parse(SMALLEST, Assignment.parse("input.layouts.bn?=NCHW"));
    assertThat(job.input().selection().layoutOf("bn1")).isEqualTo(ChannelLayout.NCHW);
    assertThat(job.input().selection().layoutOf("bn10")).isEqualTo(ChannelLayout.CHANNELS_FIRST);
  }

  @Test
  void globsChooseLayers() {
    JobSpec all = parse(SMALLEST);
    assertThat(all.input().selection().isWanted("anything")).isTrue();
    assertThat(all.input().layersWithoutMatch(List.of())).isEmpty();
    JobSpec some =
        parse(
            SMALLEST,
            Assignment.ofOption(Setting.INPUT_LAYERS, "bn*"),
            Assignment.ofOption(Setting.INPUT_LAYERS, "fc"));
    assertThat(some.input().selection().isWanted("bn1")).isTrue();
    assertThat(some.input().selection().isWanted("fc")).isTrue();
    assertThat(some.input().selection().isWanted("fc1")).isFalse();
    assertThat(some.input().layersWithoutMatch(List.of("bn1", "fc1"))).containsExactly("fc");
  }

  @Test
  void theDefaultPatternTellsLayerAndMiniBatch() {
    Matcher keyed = parse(SMALLEST).input().layerPattern().matcher("layer1/bn1/000012");
    assertThat(keyed.matches()).isTrue();
    assertThat(keyed.group("layer")).isEqualTo("layer1/bn1");
    assertThat(keyed.group("batch")).isEqualTo("000012");
    Matcher plain = parse(SMALLEST).input().layerPattern().matcher("layer1.bn1");
    assertThat(plain.matches()).isTrue();
    assertThat(plain.group("layer")).isEqualTo("layer1.bn1");
    assertThat(plain.group("batch")).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "33554432, 33554432",
    "1KiB, 1024",
    "64 MiB, 67108864",
    "3GiB, 3221225472",
    "9223372036854775807, 9223372036854775807"
  })
  void splitSizeTakesUnits(String written, long bytes) {
    JobSpec job = parse(SMALLEST, Assignment.ofOption(Setting.INPUT_SPLIT_SIZE, written));
    assertThat(job.input().splitSizeBytes()).hasValue(bytes);
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "-0, 0", "1e-5, 1e-5", ".001, 0.001", "1., 1", "+1E-3, 0.001"})
  void epsilonIsADecimalNumber(String written, double epsilon) {
    JobSpec job = parse(SMALLEST, Assignment.ofOption(Setting.CHECKPOINT_EPSILON, written));
    assertThat(job.output().epsilon()).isEqualTo(epsilon);
  }

  @Test
  void aByteOrderMarkAndWindowsLineEndsDoNoHarm() {
    assertThat(parse("\uFEFF" + SMALLEST.replace("\n", "\r\n")).input().paths())
        .containsExactly("/w/jobs/in");
  }

  @Test
  void recordsRefuseWhatNoParserLetsThrough() {
    assertThatThrownBy(() -> output(DType.I8, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("dtype I8, but a floating type is needed");
    assertThatThrownBy(() -> output(DType.F32, Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("epsilon NaN, but a finite number of 0 or more is needed");
    assertThatThrownBy(
            () ->
                new JobSpec.Statistics(
                    List.of(),
                    Options.of(IncompleteMiniBatches.REFUSE, Convention.PYTORCH),
                    MiniBatching.TENSOR,
                    JobSpec.Initial.FRESH,
                    Accumulation.EXACT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no estimator, but at least one is needed");
    assertThatThrownBy(() -> MiniBatching.ofRows(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("0 rows with mini-batches by ROWS");
  }

  private static JobSpec.Output output(DType dtype, double epsilon) {
    return new JobSpec.Output("/x", Optional.empty(), Convention.PYTORCH, dtype, epsilon, false);
  }
}
