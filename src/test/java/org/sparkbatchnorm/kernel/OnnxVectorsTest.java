package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.cli.NpyFile;
import org.sparkbatchnorm.layer.BatchNormParameters;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.tensor.ChannelLayout;
import org.sparkbatchnorm.tensor.DType;

/**
 * Acceptance 23: ONNX's test vectors of the operator BatchNormalization, [2, 3, 4, 5]. ONNX made
 * them in float arithmetic, with some ten roundings; ours of the same floats are all but exact. So
 * an output may differ by 8 ulps of a float as large as the summands that it is made of.
 */
@ParameterizedClass
@EnumSource(Kernel.class)
class OnnxVectorsTest {
  @Parameter private Kernel kernel;

  private static final Path GOLDEN =
      Path.of(System.getProperty("basedir", ""), "src/test/resources/golden/onnx/onnx-1.23.2");

  private static final double ULPS = 8;

  private static NpyFile tensor(String name, String tensor) throws IOException {
    return NpyFile.read(GOLDEN.resolve(name).resolve(tensor + ".npy"));
  }

  private static double[] values(String name, String tensor) throws IOException {
    return tensor(name, tensor).rowMajor();
  }

  private static float[] floats(NpyFile tensor) {
    assertThat(tensor.header().dtype()).isEqualTo(DType.F32);
    float[] floats = new float[tensor.rowMajor().length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) tensor.rowMajor()[i];
    }
    return floats;
  }

  private static double epsilon(String name) throws IOException {
    JsonNode expected = new ObjectMapper().readTree(GOLDEN.resolve("expected.json").toFile());
    return expected.at("/cases/" + name + "/attributes/epsilon").asDouble(1e-5);
  }

  private static void assertNear(float[] found, String name, double[] mean, double[] variance)
      throws IOException {
    double[] expected = values(name, "y");
    double[] x = values(name, "x");
    double[] scale = values(name, "s");
    double[] bias = values(name, "bias");
    assertThat(found).hasSize(expected.length);
    for (int i = 0; i < found.length; i++) {
      int c = i / 20 % 3;
      double summands =
          Math.abs(scale[c])
                  * (Math.abs(x[i]) + Math.abs(mean[c]))
                  / Math.sqrt(variance[c] + epsilon(name))
              + Math.abs(bias[c]);
      assertThat(Math.abs(found[i] - expected[i]))
          .as("element " + i)
          .isLessThanOrEqualTo(ULPS * Math.ulp((float) summands));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"example", "epsilon"})
  void evaluation(String name) throws IOException {
    NpyFile x = tensor(name, "x");
    double[] mean = values(name, "mean");
    double[] variance = values(name, "var");
    BatchNorm eval =
        BatchNorm.eval(
            BatchNormParameters.of(mean, variance, epsilon(name))
                .withGamma(values(name, "s"))
                .withBeta(values(name, "bias")),
            kernel.kernels());
    float[] output = new float[x.rowMajor().length];
    eval.apply(floats(x), output, x.header().shape(), ChannelLayout.NCHW);
    assertNear(output, name, mean, variance);
  }

  @ParameterizedTest
  @ValueSource(strings = {"example_training_mode", "epsilon_training_mode"})
  void training(String name) throws IOException {
    NpyFile x = tensor(name, "x");
    BatchNormTraining onnx =
        BatchNorm.train(Convention.ONNX, kernel.kernels()).withEpsilon(epsilon(name));
    float[] output = new float[x.rowMajor().length];
    RunningStatistics before = RunningStatistics.of(values(name, "mean"), values(name, "var"), 0);
    RunningStatistics after =
        onnx.withGamma(values(name, "s"))
            .withBeta(values(name, "bias"))
            .apply(floats(x), output, x.header().shape(), ChannelLayout.NCHW, before);
    assertNear(after.mean(), values(name, "output_mean"));
    assertNear(after.variance(), values(name, "output_var"));

    RunningStatistics batch =
        onnx.withMomentum(0)
            .apply(
                floats(x),
                new float[output.length],
                x.header().shape(),
                ChannelLayout.NCHW,
                before);
    assertNear(output, name, batch.mean(), batch.variance());
  }

  /** Of means and variances, which are around 1. */
  private static void assertNear(double[] found, double[] expected) {
    assertThat(found).hasSameSizeAs(expected);
    for (int c = 0; c < found.length; c++) {
      assertThat(Math.abs(found[c] - expected[c])).isLessThanOrEqualTo(ULPS * Math.ulp(1f));
    }
  }

  /** A tolerance that accepts everything would prove nothing. */
  @Test
  void theVectorsTellBiasedFromUnbiased() throws IOException {
    NpyFile x = tensor("example_training_mode", "x");
    RunningStatistics before =
        RunningStatistics.of(
            values("example_training_mode", "mean"), values("example_training_mode", "var"), 0);
    RunningStatistics unbiased =
        BatchNorm.train(Convention.PYTORCH, kernel.kernels())
            .apply(
                floats(x),
                new float[x.rowMajor().length],
                x.header().shape(),
                ChannelLayout.NCHW,
                before);
    double[] expected = values("example_training_mode", "output_var");
    assertThat(Math.abs(unbiased.variance()[0] - expected[0]))
        .isGreaterThan(100 * ULPS * Math.ulp(1f));
  }
}
