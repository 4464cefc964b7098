package org.sparkbatchnorm.statistics;

import java.util.Arrays;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Each piece of at most 32,768 values is summed by the corrected two-pass algorithm (Chan, Golub,
 * LeVeque 1983, eq. 1.7) and then merged (eq. 1.5b). Memory: 256 KiB plus 84 bytes a channel. Not
 * thread-safe.
 */
final class WelfordAccumulator extends ChannelMomentsAccumulator {
  /**
   * Values decoded at a time: 256 KiB of doubles, which stay in a second-level cache for the second
   * pass.
   */
  private static final int PIECE = 32_768;

  private final double[] values = new double[PIECE];
  private final TwoPassSums sums;
  private final long[] count;
  private final double[] mean;
  private final double[] m2;
  private NonFiniteCounts nonFinite;

  WelfordAccumulator(int channels) {
    sums = new TwoPassSums(channels);
    count = new long[channels];
    mean = new double[channels];
    m2 = new double[channels];
    nonFinite = NonFiniteCounts.none(channels);
  }

  @Override
  public long add(TensorBlock block) {
    ChannelView view = block.view();
    if (view.channels() != count.length) {
      throw new IllegalArgumentException(
          "expected " + count.length + " channels, not " + view.channels());
    }
    long firstNonFinite = ALL_FINITE;
    int width = block.dtype().bytes();
    for (int done = 0, all = block.elements(); done < all; ) {
      int piece = Math.min(PIECE, all - done);
      var bytes = block.bytes().duplicate().order(block.bytes().order());
      bytes.position(bytes.position() + done * width);
      Elements.decode(block.dtype(), bytes, values, piece);
      long position = block.firstElement() + done;
      int found = sums.sum(values, piece, view, position, nonFinite);
      if (found >= 0 && firstNonFinite == ALL_FINITE) {
        firstNonFinite = position + found;
      }
      sums.mergeInto(count, mean, m2);
      done += piece;
    }
    return firstNonFinite;
  }

  @Override
  public ChannelMoments snapshot() {
    return new WelfordMoments(count.clone(), mean.clone(), m2.clone(), nonFinite.copy());
  }

  @Override
  public void clear() {
    Arrays.fill(count, 0);
    Arrays.fill(mean, 0);
    Arrays.fill(m2, 0);
    nonFinite = NonFiniteCounts.none(count.length);
  }
}
