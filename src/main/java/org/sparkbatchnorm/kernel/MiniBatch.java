package org.sparkbatchnorm.kernel;

import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.NonFiniteCounts;

/**
 * A mini-batch's statistics as a layer in training takes them: those of all values, where moments
 * set apart the ones that are not finite. One NaN makes mean and variance NaN; infinities make the
 * mean what their sum is, and the variance NaN.
 */
final class MiniBatch {
  /** The words of torch.nn.functional.batch_norm. */
  static final String TOO_FEW = "Expected more than 1 value per channel when training, got ";

  private MiniBatch() {}

  /** Number of values of a channel. */
  static long values(ChannelMoments moments, int channel) {
    return moments.count(channel) + moments.nonFinite().inChannel(channel);
  }

  /** NaN where there are no values. */
  static double mean(ChannelMoments moments, int channel) {
    NonFiniteCounts nonFinite = moments.nonFinite();
    if (nonFinite.inChannel(channel) == 0) {
      return moments.count(channel) == 0 ? Double.NaN : moments.mean(channel);
    }
    boolean positive = nonFinite.positiveInfinity(channel) > 0;
    boolean negative = nonFinite.negativeInfinity(channel) > 0;
    if (nonFinite.nan(channel) > 0 || positive == negative) {
      return Double.NaN;
    }
    return positive ? Double.POSITIVE_INFINITY : Double.NEGATIVE_INFINITY;
  }

  /** NaN where there are no values. */
  static double biasedVariance(ChannelMoments moments, int channel) {
    return isFinite(moments, channel) ? moments.biasedVariance(channel) : Double.NaN;
  }

  /** 0 where there is one value, as n / max(n - 1, 1) has it; NaN where there are none. */
  static double unbiasedVariance(ChannelMoments moments, int channel) {
    if (!isFinite(moments, channel)) {
      return Double.NaN;
    }
    return moments.count(channel) == 1 ? 0 : moments.unbiasedVariance(channel);
  }

  private static boolean isFinite(ChannelMoments moments, int channel) {
    return moments.count(channel) > 0 && moments.nonFinite().inChannel(channel) == 0;
  }
}
