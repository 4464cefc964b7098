package org.sparkbatchnorm.statistics;

import java.util.Arrays;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Builds the moments of C channels from blocks of arrays, in one pass over the blocks. Blocks may
 * come from different arrays and begin anywhere inside one.
 *
 * <p>Each piece of at most 32,768 values is summed by the corrected two-pass algorithm (Chan,
 * Golub, LeVeque 1983, eq. 1.7) and then merged (eq. 1.5b). Memory: 256 KiB plus 84 bytes a
 * channel. Not thread-safe.
 */
public final class ChannelMomentsAccumulator {
  /**
   * Values decoded at a time: 256 KiB of doubles, which stay in a second-level cache for the second
   * pass.
   */
  private static final int PIECE = 32_768;

  /** Returned by {@link #add} where every value was finite. */
  public static final long ALL_FINITE = -1;

  private final double[] values = new double[PIECE];
  private final TwoPassSums sums;
  private final long[] count;
  private final double[] mean;
  private final double[] m2;
  private NonFiniteCounts nonFinite;

  private ChannelMomentsAccumulator(int channels) {
    sums = new TwoPassSums(channels);
    count = new long[channels];
    mean = new double[channels];
    m2 = new double[channels];
    nonFinite = NonFiniteCounts.none(channels);
  }

  /**
   * An accumulator that has seen no values.
   *
   * @throws IllegalArgumentException if the number of channels is negative
   */
  public static ChannelMomentsAccumulator forChannels(int channels) {
    if (channels < 0) {
      throw new IllegalArgumentException("negative number of channels: " + channels);
    }
    return new ChannelMomentsAccumulator(channels);
  }

  /**
   * Adds the values of a block.
   *
   * @return position in the whole array of the first value that is not finite, or {@link
   *     #ALL_FINITE}
   * @throws IllegalArgumentException if the block's array has another number of channels
   */
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

  /** The moments of everything added so far. */
  public ChannelMoments snapshot() {
    return new ChannelMoments(count.clone(), mean.clone(), m2.clone(), nonFinite.copy());
  }

  /** Forgets everything. */
  public void clear() {
    Arrays.fill(count, 0);
    Arrays.fill(mean, 0);
    Arrays.fill(m2, 0);
    nonFinite = NonFiniteCounts.none(count.length);
  }
}
