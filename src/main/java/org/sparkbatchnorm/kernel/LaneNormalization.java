package org.sparkbatchnorm.kernel;

import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;

/**
 * {@link Normalization} on {@link NormalizationLoops}. Long runs of a channel are taken run by run;
 * where the channel changes with every element, or every few, by cycles: whole periods tile by
 * tile, what is before and after them place by place.
 */
final class LaneNormalization implements Normalization {
  /** Elements of the periods that are gone through for each tile: a part of the second cache. */
  private static final int TILED_ELEMENTS = 16 * 1024;

  private final NormalizationLoops loops;
  private final ChannelParameters parameters;

  /** The last one that was needed; made again when another is. */
  private volatile ChannelCycle lastCycle;

  LaneNormalization(NormalizationLoops loops, ChannelParameters parameters) {
    this.loops = loops;
    this.parameters = parameters;
  }

  @Override
  public void apply(float[] input, float[] output, int from, int to, ChannelView view, long first) {
    if (from == to) {
      return;
    }
    if (ChannelCycle.isWorth(view.channels(), view.inner(), loops.lanes())) {
      ChannelCycle cycle = cycle((int) view.inner());
      cycle(input, output, from, to, cycle, (int) (first % cycle.period));
      return;
    }
    ChannelRows rows = new ChannelRows(view, first, from, to);
    while (rows.next()) {
      int channel = rows.channel();
      loops.run(
          input,
          output,
          rows.from(),
          rows.to(),
          parameters.mean[channel],
          parameters.scale[channel],
          parameters.beta[channel]);
    }
  }

  private void cycle(
      float[] input, float[] output, int from, int to, ChannelCycle cycle, int firstPlace) {
    int period = cycle.period;
    int at = from;
    int place = firstPlace;
    if (cycle.isTiled && to - from >= 2 * period) {
      if (place > 0) {
        at += period - place;
        loops.places(input, output, from, at, cycle, place);
        place = 0;
      }
      int most = Math.max(1, TILED_ELEMENTS / period);
      int tile = NormalizationLoops.TILE_VECTORS * loops.lanes();
      for (int left = (to - at) / period; left > 0; ) {
        int periods = Math.min(left, most);
        for (int c = 0; c < period; c += tile) {
          loops.tile(input, output, at + c, periods, cycle, c);
        }
        at += periods * period;
        left -= periods;
      }
    }
    loops.places(input, output, at, to, cycle, place);
  }

  @Override
  public void apply(
      double[] input, double[] output, int from, int to, ChannelView view, long first) {
    if (from == to) {
      return;
    }
    if (ChannelCycle.isWorth(view.channels(), view.inner(), loops.lanes())) {
      // Without tiles: of doubles there are half as many in the same number of bytes.
      ChannelCycle cycle = cycle((int) view.inner());
      loops.places(input, output, from, to, cycle, (int) (first % cycle.period));
      return;
    }
    ChannelRows rows = new ChannelRows(view, first, from, to);
    while (rows.next()) {
      int channel = rows.channel();
      loops.run(
          input,
          output,
          rows.from(),
          rows.to(),
          parameters.mean[channel],
          parameters.scale[channel],
          parameters.beta[channel]);
    }
  }

  private ChannelCycle cycle(int inner) {
    ChannelCycle cycle = lastCycle;
    if (cycle == null || cycle.inner != inner) {
      cycle = ChannelCycle.of(parameters, inner, loops.lanes());
      lastCycle = cycle;
    }
    return cycle;
  }

  @Override
  public void widen(DType half, short[] bits, double[] values, int count) {
    loops.widen(half, bits, values, count);
  }

  @Override
  public void narrow(DType half, double[] values, short[] bits, int count) {
    loops.narrow(half, values, bits, count);
  }
}
