package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.ChannelView;

/**
 * Which slot of {@link LaneSums} each element goes to, and so which channel a lane belongs to.
 *
 * <ul>
 *   <li>By rows, where {@code inner >= L}: a slot is a channel, and a step takes L neighbours of a
 *       row of {@code inner} elements.
 *   <li>By lanes, where {@code inner < L} (NC, NHWC, tiny maps): a lane is a place in a period, and
 *       a step takes L neighbouring places of one period. A period is all channels' rows, C * inner
 *       elements, as often as makes it a multiple of L; a long one is filled up with zeros instead.
 *       Place v belongs to channel {@code v / inner mod C}.
 * </ul>
 *
 * <p>Immutable.
 */
final class LaneLayout {
  /** Elements from which on filling up beats repeating: it wastes at most 7 places. */
  private static final int LONG_PERIOD = 256;

  /** Longs of {@link LaneSums}: 32 MiB. More than that is not for caches, and not for lanes. */
  private static final long MOST_LONGS = 1 << 22;

  private final int channels;
  private final int inner;
  private final int lanes;
  private final int period;

  private LaneLayout(int channels, int inner, int lanes, int period) {
    this.channels = channels;
    this.inner = inner;
    this.lanes = lanes;
    this.period = period;
  }

  /** Whether as many slots as this view takes are reasonable. */
  static boolean fits(ChannelView view, int lanes) {
    long slots =
        view.inner() < lanes ? view.channels() * view.inner() / lanes + lanes : view.channels();
    return LaneSums.longs(slots, lanes) <= MOST_LONGS;
  }

  /** The layout of a view that {@link #fits} and has elements. */
  static LaneLayout of(ChannelView view, int lanes) {
    if (view.inner() >= lanes) {
      return new LaneLayout(view.channels(), 0, lanes, 0);
    }
    int inner = (int) view.inner();
    int row = view.channels() * inner;
    int period = row;
    while (period % lanes != 0 && period < LONG_PERIOD) {
      period += row;
    }
    return new LaneLayout(view.channels(), inner, lanes, period);
  }

  /** Whether elements of that view go to the same slots as those of this layout's. */
  boolean suits(ChannelView view) {
    return view.channels() == channels
        && (isByRows() ? view.inner() >= lanes : view.inner() == inner);
  }

  boolean isByRows() {
    return period == 0;
  }

  /** Elements after which places repeat; by lanes only. */
  int period() {
    return period;
  }

  int lanes() {
    return lanes;
  }

  /** How many slots there are. */
  int slots() {
    return isByRows() ? channels : (period + lanes - 1) / lanes;
  }

  /** The channel of a slot's lane; the last one for lanes that only ever hold zeros. */
  int channel(int slot, int lane) {
    if (isByRows()) {
      return slot;
    }
    int place = Math.min(slot * lanes + lane, period - 1);
    return place / inner % channels;
  }
}
