package org.sparkbatchnorm.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class RunningStatisticsTest {
  @Test
  void isAValueThatSharesNoArrays() {
    double[] mean = {1, Double.NaN};
    double[] variance = {2, Double.NaN};
    RunningStatistics statistics = RunningStatistics.of(mean, variance, 7);
    RunningStatistics same = RunningStatistics.of(mean, variance, 7);
    mean[0] = -99;
    statistics.variance()[0] = -99;
    assertThat(statistics.channels()).isEqualTo(2);
    assertThat(statistics.mean()).containsExactly(1, Double.NaN);
    assertThat(statistics.variance()).containsExactly(2, Double.NaN);
    assertThat(statistics.miniBatches()).isEqualTo(7);
    assertThat(statistics).isEqualTo(same).hasSameHashCodeAs(same);
    assertThat(statistics)
        .isNotEqualTo(RunningStatistics.of(same.mean(), same.variance(), 8))
        .isNotEqualTo(RunningStatistics.of(same.variance(), same.mean(), 7));
  }

  @Test
  void refusesLengthsThatDiffer() {
    assertThatThrownBy(() -> RunningStatistics.of(new double[3], new double[4], 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("3 means, but 4 variances");
  }

  @Test
  void refusesANegativeNumberOfMiniBatches() {
    assertThatThrownBy(() -> RunningStatistics.of(new double[3], new double[3], -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("number of mini-batches is -1, but must be at least 0");
  }
}
