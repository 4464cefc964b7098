package org.sparkbatchnorm.kernel;

import java.util.OptionalDouble;
import org.sparkbatchnorm.layer.Convention;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.ChannelMoments;

/**
 * How a mini-batch enters running statistics, each product and sum rounded to double:
 *
 * <pre>{@code
 * running = keep * running + (1 - keep) * v     v: mean, or variance as the convention has it
 * }</pre>
 *
 * <p>Without a momentum {@code 1 - keep} is {@code 1 / num_batches_tracked}, which makes a
 * cumulative average of the mini-batches, each of the same weight.
 *
 * @param convention whose variance enters
 * @param momentum in the convention's meaning; empty for the cumulative average
 */
record RunningUpdate(Convention convention, OptionalDouble momentum) {

  /**
   * The running statistics after this mini-batch, which counts as one even if it has no values;
   * then nothing else changes.
   *
   * @throws ArithmeticException if num_batches_tracked exceeds 2^63 - 1
   */
  RunningStatistics after(RunningStatistics running, ChannelMoments miniBatch) {
    long batches = Math.addExact(running.miniBatches(), 1);
    double taken =
        momentum.isPresent() ? convention.newFactor(momentum.getAsDouble()) : 1.0 / batches;
    double kept = momentum.isPresent() ? convention.keepFactor(momentum.getAsDouble()) : 1 - taken;
    double[] mean = running.mean();
    double[] variance = running.variance();
    for (int c = 0; c < mean.length; c++) {
      if (MiniBatch.values(miniBatch, c) == 0) {
        continue;
      }
      mean[c] = kept * mean[c] + taken * MiniBatch.mean(miniBatch, c);
      variance[c] = kept * variance[c] + taken * variance(miniBatch, c);
    }
    return RunningStatistics.of(mean, variance, batches);
  }

  private double variance(ChannelMoments miniBatch, int channel) {
    return switch (convention.runningVariance()) {
      case BIASED -> MiniBatch.biasedVariance(miniBatch, channel);
      case UNBIASED -> MiniBatch.unbiasedVariance(miniBatch, channel);
    };
  }

  @Override
  public String toString() {
    return convention.word()
        + (momentum.isPresent() ? ", momentum " + momentum.getAsDouble() : ", cumulative average");
  }
}
