package org.sparkbatchnorm.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BatchNormParametersTest {
  private static final double[] MEAN = {1, 2, 3};
  private static final double[] VARIANCE = {4, 5, 6};

  @Test
  void gammaAndBetaAreAbsentUntilGiven() {
    BatchNormParameters plain = BatchNormParameters.of(MEAN, VARIANCE, 1e-5);
    assertThat(plain.channels()).isEqualTo(3);
    assertThat(plain.epsilon()).isEqualTo(1e-5);
    assertThat(plain.gamma()).isEmpty();
    assertThat(plain.beta()).isEmpty();
    double[] gamma = {7, 8, 9};
    double[] beta = {-1, -2, -3};
    assertThat(plain.withGamma(gamma).gamma()).contains(gamma);
    assertThat(plain.withGamma(gamma).beta()).isEmpty();
    BatchNormParameters both = plain.withBeta(beta).withGamma(gamma);
    assertThat(both.beta()).contains(beta);
    assertThat(both.gamma()).contains(gamma);
    assertThat(both).isEqualTo(plain.withGamma(gamma).withBeta(beta)).isNotEqualTo(plain);
    assertThat(both).hasSameHashCodeAs(plain.withGamma(gamma).withBeta(beta));
  }

  @Test
  void sharesNoArrays() {
    double[] mine = {1, 2, 3};
    BatchNormParameters parameters =
        BatchNormParameters.of(mine, mine, 0).withGamma(mine).withBeta(mine);
    mine[0] = -99;
    parameters.mean()[1] = -99;
    parameters.variance()[1] = -99;
    parameters.gamma().orElseThrow()[1] = -99;
    parameters.beta().orElseThrow()[1] = -99;
    assertThat(parameters)
        .isEqualTo(BatchNormParameters.of(MEAN, MEAN, 0).withGamma(MEAN).withBeta(MEAN));
  }

  @Test
  void noChannelsIsALayerToo() {
    assertThat(BatchNormParameters.of(new double[0], new double[0], 0).channels()).isZero();
  }

  @Test
  void refusesLengthsThatDiffer() {
    assertThatThrownBy(() -> BatchNormParameters.of(MEAN, new double[] {1, 1}, 1e-5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("variance has 2 channels, but the running mean has 3");
    BatchNormParameters parameters = BatchNormParameters.of(MEAN, VARIANCE, 1e-5);
    assertThatThrownBy(() -> parameters.withGamma(new double[4]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("gamma has 4 channels, but the running mean has 3");
    assertThatThrownBy(() -> parameters.withBeta(new double[0]))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("beta has 0 channels, but the running mean has 3");
  }

  /** Acceptance 20: a negative or NaN running variance is an error, never a NaN output. */
  @ParameterizedTest
  @ValueSource(doubles = {-1, -Double.MIN_VALUE, Double.NEGATIVE_INFINITY, Double.NaN})
  void refusesANegativeOrNanVarianceAndNamesTheChannel(double variance) {
    assertThatThrownBy(() -> BatchNormParameters.of(MEAN, new double[] {1, variance, 1}, 1e-5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("running variance of channel 1 is " + variance + ", but must be at least 0");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1e-5, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, Double.NaN})
  void refusesANegativeOrNonFiniteEpsilon(double epsilon) {
    assertThatThrownBy(() -> BatchNormParameters.of(MEAN, VARIANCE, epsilon))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("epsilon is " + epsilon + ", but must be finite and at least 0");
  }

  @Test
  void refusesADivisionByZero() {
    assertThatThrownBy(() -> BatchNormParameters.of(MEAN, new double[] {1, 1, 0}, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("running variance and epsilon of channel 2 are both 0");
    assertThat(BatchNormParameters.of(MEAN, new double[] {1, 1, Double.MIN_VALUE}, 0).epsilon())
        .isZero();
  }
}
