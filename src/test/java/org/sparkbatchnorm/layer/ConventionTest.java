package org.sparkbatchnorm.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.layer.Convention.VarianceKind;

class ConventionTest {

  /** torch 2.15, keras 3.15, tf_keras 2.21, flax 0.10 and onnx 1.20: their layers' defaults. */
  @ParameterizedTest
  @CsvSource({
    "pytorch, 1e-5, 0.1, 0.9, 0.1, UNBIASED, 1",
    "keras, 1e-3, 0.99, 0.99, 0.01, BIASED, -1",
    "keras-fused, 1e-3, 0.99, 0.99, 0.01, UNBIASED, -1",
    "flax, 1e-5, 0.99, 0.99, 0.01, BIASED, -1",
    "onnx, 1e-5, 0.9, 0.9, 0.1, BIASED, 1"
  })
  void aConventionHasItsFrameworksDefaults(
      String word,
      double epsilon,
      double momentum,
      double keep,
      double taken,
      VarianceKind kind,
      int axis) {
    Convention convention = Convention.ofWord(word).orElseThrow();
    assertThat(convention.word()).isEqualTo(word);
    assertThat(convention.epsilon()).isEqualTo(epsilon);
    assertThat(convention.momentum()).isEqualTo(momentum);
    assertThat(convention.keepFactor(momentum)).isEqualTo(keep);
    assertThat(convention.newFactor(momentum)).isCloseTo(taken, offset(1e-16));
    assertThat(convention.runningVariance()).isEqualTo(kind);
    assertThat(convention.channelAxis()).isEqualTo(axis);
  }

  @ParameterizedTest
  @EnumSource
  void aMomentumIsBetween0And1(Convention convention) {
    assertThat(convention.keepFactor(0) + convention.newFactor(0)).isEqualTo(1);
    assertThat(convention.keepFactor(1) + convention.newFactor(1)).isEqualTo(1);
    for (double wrong : new double[] {-0.1, 1.0000001, Double.NaN}) {
      assertThatThrownBy(() -> convention.newFactor(wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("momentum is " + wrong + ", but must be between 0 and 1");
    }
  }

  /** torch 2.15 raises a ValueError; keras 3.15 and tf_keras 2.21 take a variance of 0. */
  @ParameterizedTest
  @EnumSource
  void onlyPyTorchRefusesToTrainOnOneValuePerChannel(Convention convention) {
    assertThat(convention.leastTrainingValues())
        .isEqualTo(convention == Convention.PYTORCH ? 2 : 1);
  }

  @Test
  void onlyKnownWordsAreConventions() {
    assertThat(Convention.ofWord("torch")).isEmpty();
    assertThat(Convention.words())
        .containsExactly("pytorch", "keras", "keras-fused", "flax", "onnx");
  }
}
