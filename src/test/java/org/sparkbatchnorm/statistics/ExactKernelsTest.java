package org.sparkbatchnorm.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.ChildJvm;

/** Which kernel is chosen, and what is said about it. */
class ExactKernelsTest {
  /** In a JVM of its own: prints the choice, or the message of why there is none. */
  public static void main(String[] args) {
    try {
      System.out.print(ExactKernels.ofThisJvm().reason());
    } catch (IllegalStateException e) {
      System.out.print(e.getMessage());
    }
  }

  private static String chosenByJvmWith(String... options) throws IOException {
    return ChildJvm.output(ExactKernelsTest.class, options);
  }

  @Test
  void theModuleIsHereInTests() {
    ExactKernels chosen = ExactKernels.choose(Optional.empty());
    assertThat(chosen.name()).isEqualTo("vector");
    assertThat(chosen.reason())
        .matches("exact sums by the vector kernel, as \\d+-bit vectors passed its self-check");
    assertThat(chosen.kernel(ExactSums.forChannels(1), NonFiniteCounts.none(1)))
        .isInstanceOf(ExactVectorKernel.class);
  }

  @Test
  void scalarCanBeForced() {
    ExactKernels chosen = ExactKernels.choose(Optional.of("scalar"));
    assertThat(chosen.name()).isEqualTo("scalar");
    assertThat(chosen.reason())
        .isEqualTo("exact sums by the scalar kernel, as spark.batchnorm.kernel asks for it");
    assertThat(chosen.kernel(ExactSums.forChannels(1), NonFiniteCounts.none(1)))
        .isNotInstanceOf(ExactVectorKernel.class);
  }

  @Test
  void vectorCanBeForced() {
    assertThat(ExactKernels.choose(Optional.of("vector")).reason())
        .endsWith("passed its self-check, forced by spark.batchnorm.kernel");
  }

  @Test
  void anotherWordIsRefused() {
    assertThatThrownBy(() -> ExactKernels.choose(Optional.of("Vector")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("spark.batchnorm.kernel=Vector, expected scalar or vector");
  }

  @Test
  void withoutTheModuleItIsScalar() throws IOException {
    assertThat(chosenByJvmWith())
        .isEqualTo(
            "exact sums by the scalar kernel, as this JVM was started without the module"
                + " jdk.incubator.vector");
  }

  @Test
  void vectorCannotBeForcedWithoutTheModule() throws IOException {
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
        .matches("exact sums by the vector kernel, as \\d+-bit vectors passed its self-check");
  }

  /** A guard that cannot turn red guards nothing. */
  @ParameterizedTest
  @ValueSource(strings = {"narrow", "wide", "binary64", "binary16", "bfloat16"})
  void loopsThatAreWrongOnceFailTheSelfCheck(String where) {
    assertThat(ExactKernelCheck.passes(CountingLoops.vectorLoops())).isTrue();
    assertThat(ExactKernelCheck.passes(new WrongLoops(where))).isFalse();
  }

  /** Adds one to a sum, or changes the last bit of a value. */
  private static final class WrongLoops implements CertifiedLoops {
    private final CertifiedLoops loops = CountingLoops.vectorLoops();
    private final String where;
    private boolean done;

    WrongLoops(String where) {
      this.where = where;
    }

    private boolean now(String what, boolean possible) {
      boolean now = !done && possible && what.equals(where);
      done |= now;
      return now;
    }

    private int wrong(String what, int taken, Piece piece, LaneSums sums) {
      if (now(what, taken > 0)) {
        sums.sums[piece.slot * LaneSums.NARROW_LEVELS * lanes()]++;
      }
      return taken;
    }

    @Override
    public int lanes() {
      return loops.lanes();
    }

    @Override
    public int narrow(byte[] values, int origin, Piece piece, LaneSums sums) {
      return wrong("narrow", loops.narrow(values, origin, piece, sums), piece, sums);
    }

    @Override
    public int wide(byte[] values, int origin, Piece piece, LaneSums sums) {
      return wrong("wide", loops.wide(values, origin, piece, sums), piece, sums);
    }

    @Override
    public int binary64(double[] values, Piece piece, LaneSums sums) {
      return wrong("binary64", loops.binary64(values, piece, sums), piece, sums);
    }

    @Override
    public boolean ofBinary16(short[] bits, byte[] values, int from, int count) {
      boolean finite = loops.ofBinary16(bits, values, from, count);
      if (now("binary16", true)) {
        values[Float.BYTES * from] ^= 1;
      }
      return finite;
    }

    @Override
    public void ofBfloat16(short[] bits, byte[] values, int from, int count) {
      loops.ofBfloat16(bits, values, from, count);
      if (now("bfloat16", true)) {
        values[Float.BYTES * from] ^= 1;
      }
    }
  }
}
