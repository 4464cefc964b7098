package org.sparkbatchnorm.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.ChildJvm;
import org.sparkbatchnorm.tensor.DType;

/** Which kernel is chosen, and what is said about it. */
class NormalizationKernelsTest {
  /** In a JVM of its own: prints the choice, or the message of why there is none. */
  public static void main(String[] args) {
    try {
      System.out.print(NormalizationKernels.ofThisJvm().reason());
    } catch (IllegalStateException e) {
      System.out.print(e.getMessage());
    }
  }

  private static String chosenByJvmWith(String... options) throws IOException {
    return ChildJvm.output(NormalizationKernelsTest.class, options);
  }

  private static Normalization normalization(NormalizationKernels kernels) {
    double[] one = {1};
    return kernels.normalization(
        ChannelParameters.of(one, one, 0, Optional.empty(), Optional.empty()));
  }

  @Test
  void theModuleIsHereInTests() {
    NormalizationKernels chosen = NormalizationKernels.ofThisJvm(Optional.empty());
    assertThat(chosen.name()).isEqualTo("vector");
    assertThat(chosen.reason())
        .matches("normalization by the vector kernel, as \\d+-bit vectors passed its self-check");
    assertThat(normalization(chosen)).isInstanceOf(LaneNormalization.class);
  }

  @Test
  void aKernelCanBeForced() {
    NormalizationKernels scalar = NormalizationKernels.ofThisJvm(Optional.of("scalar"));
    assertThat(scalar.name()).isEqualTo("scalar");
    assertThat(scalar.reason())
        .isEqualTo("normalization by the scalar kernel, as spark.batchnorm.kernel asks for it");
    assertThat(normalization(scalar)).isInstanceOf(ScalarNormalization.class);
    assertThat(NormalizationKernels.ofThisJvm(Optional.of("vector")).reason())
        .endsWith("passed its self-check, forced by spark.batchnorm.kernel");
    assertThatThrownBy(() -> NormalizationKernels.ofThisJvm(Optional.of("Vector")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("spark.batchnorm.kernel=Vector, expected scalar or vector");
  }

  @Test
  void withoutTheModuleItIsScalarAndCannotBeForced() throws IOException {
    assertThat(chosenByJvmWith())
        .isEqualTo(
            "normalization by the scalar kernel, as this JVM was started without the module"
                + " jdk.incubator.vector");
    assertThat(chosenByJvmWith("-Dspark.batchnorm.kernel=vector"))
        .isEqualTo(
            "spark.batchnorm.kernel=vector, but this JVM was started without the module"
                + " jdk.incubator.vector; start the JVM with --add-modules jdk.incubator.vector on"
                + " a processor with vectors, or leave spark.batchnorm.kernel out");
  }

  /** Narrower vectors than the machine's, on any machine: 4 and 2 doubles. */
  @ParameterizedTest
  @ValueSource(ints = {32, 16})
  void narrowerVectorsPassTheSelfCheck(int bytes) throws IOException {
    assertThat(
            chosenByJvmWith(
                "-XX:+IgnoreUnrecognizedVMOptions",
                "-XX:MaxVectorSize=" + bytes,
                "--add-modules=jdk.incubator.vector"))
        .matches("normalization by the vector kernel, as \\d+-bit vectors passed its self-check");
  }

  /** A guard that cannot turn red guards nothing. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "run of floats",
        "run of doubles",
        "places of floats",
        "places of doubles",
        "tile",
        "widen",
        "narrow",
        "copy"
      })
  void loopsThatAreWrongOnceFailTheSelfCheck(String where) {
    assertThat(NormalizationCheck.passes(WrongLoops.vector())).isTrue();
    assertThat(NormalizationCheck.passes(new WrongLoops(where))).isFalse();
  }

  /** Changes the last bit of one value. */
  private static final class WrongLoops implements NormalizationLoops {
    private final NormalizationLoops loops = vector();
    private final String where;
    private boolean done;

    WrongLoops(String where) {
      this.where = where;
    }

    /** By name: javac does not see the incubating module. */
    static NormalizationLoops vector() {
      try {
        return Class.forName("org.sparkbatchnorm.kernel.VectorNormalization")
            .asSubclass(NormalizationLoops.class)
            .getDeclaredConstructor()
            .newInstance();
      } catch (ReflectiveOperationException e) {
        throw new LinkageError(e.getMessage(), e);
      }
    }

    private boolean now(String what) {
      boolean now = !done && what.equals(where);
      done |= now;
      return now;
    }

    private void spoil(String what, float[] output, int from, int to) {
      for (int i = from; i < to; i++) {
        if (Float.isFinite(output[i]) && now(what)) {
          output[i] = Math.nextUp(output[i]);
        }
      }
    }

    private void spoil(String what, double[] output, int from, int to) {
      for (int i = from; i < to; i++) {
        if (Double.isFinite(output[i]) && now(what)) {
          output[i] = Math.nextUp(output[i]);
        }
      }
    }

    @Override
    public int lanes() {
      return loops.lanes();
    }

    @Override
    public void run(
        float[] input, float[] output, int from, int to, double mean, double scale, double beta) {
      loops.run(input, output, from, to, mean, scale, beta);
      spoil("run of floats", output, from, to);
    }

    @Override
    public void run(
        double[] input, double[] output, int from, int to, double mean, double scale, double beta) {
      loops.run(input, output, from, to, mean, scale, beta);
      spoil("run of doubles", output, from, to);
    }

    @Override
    public void places(
        float[] input, float[] output, int from, int to, ChannelCycle cycle, int firstPlace) {
      loops.places(input, output, from, to, cycle, firstPlace);
      spoil("places of floats", output, from, to);
    }

    @Override
    public void places(
        double[] input, double[] output, int from, int to, ChannelCycle cycle, int firstPlace) {
      loops.places(input, output, from, to, cycle, firstPlace);
      spoil("places of doubles", output, from, to);
    }

    @Override
    public void tile(
        float[] input, float[] output, int from, int periods, ChannelCycle cycle, int place) {
      loops.tile(input, output, from, periods, cycle, place);
      spoil("tile", output, from, from + TILE_VECTORS * lanes());
    }

    @Override
    public void copy(float[] values, int from, byte[] bytes, int count) {
      loops.copy(values, from, bytes, count);
      if (now("copy")) {
        bytes[0] ^= 64;
      }
    }

    @Override
    public void widen(DType half, short[] bits, double[] values, int count) {
      loops.widen(half, bits, values, count);
      spoil("widen", values, 0, count);
    }

    @Override
    public void narrow(DType half, double[] values, short[] bits, int count) {
      loops.narrow(half, values, bits, count);
      if (now("narrow")) {
        bits[0] ^= 1;
      }
    }
  }
}
