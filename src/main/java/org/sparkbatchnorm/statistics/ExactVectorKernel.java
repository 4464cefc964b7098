package org.sparkbatchnorm.statistics;

import java.util.EnumMap;
import java.util.Map;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * The kernel for floating-point types on {@link CertifiedLoops}: cuts blocks into pieces for them.
 * Integers, and arrays of so many channels that their lanes would fill no cache, go to {@link
 * ExactScalarKernel}.
 *
 * <p>A block is copied part by part to an array of 256 KiB, unless its own array can be read. By
 * rows (see {@link LaneLayout}), the part's whole rows of consecutive channels are one piece, those
 * cut by its ends or longer than {@value LaneSums#MOST_STEPS} steps have pieces of their own. By
 * lanes, whole periods that are whole slots are read alike; else a part is laid out so that each
 * period begins at a slot, the places before its first and after its last element being zeros,
 * which add nothing. Memory: 256 KiB for each element type met, 320 bytes a slot of 8 lanes, and
 * the buckets.
 */
final class ExactVectorKernel implements ExactKernel {
  /** A stride of so many bytes puts all of a slot's steps into the same places of a cache. */
  private static final int ALIASING_BYTES = 4_096;

  /** A part's steps by lanes, so that what is done once a piece takes little of the time. */
  private static final int LEAST_STEPS = 64;

  private static final int CACHE_LINE_BYTES = 64;

  private final CertifiedLoops loops;
  private final ExactSums sums;
  private final NonFiniteCounts nonFinite;
  private final ExactScalarKernel scalar;
  private final ExponentBuckets buckets;
  private final PendingCounts counts;
  private final Piece piece = new Piece();
  private final Map<DType, LaneValues> valuesOf = new EnumMap<>(DType.class);

  private DType dtype;
  private LaneLayout layout;
  private LaneValues values;
  private CertifiedSums certified;

  ExactVectorKernel(CertifiedLoops loops, ExactSums sums, NonFiniteCounts nonFinite) {
    this.loops = loops;
    this.sums = sums;
    this.nonFinite = nonFinite;
    scalar = new ExactScalarKernel(sums, nonFinite);
    buckets = new ExponentBuckets(sums);
    counts = new PendingCounts(sums.channels());
  }

  @Override
  public long add(TensorBlock block) {
    ChannelView view = block.view();
    if (view.channels() != sums.channels()) {
      throw new IllegalArgumentException(
          "expected " + sums.channels() + " channels, not " + view.channels());
    }
    if (!block.dtype().isFloating() || !LaneLayout.fits(view, loops.lanes())) {
      return scalar.add(block);
    }
    int n = block.elements();
    if (n == 0) {
      return ALL_FINITE;
    }
    prepare(block.dtype(), view);
    counts.add(view, block.firstElement(), n);
    values.begin(block);
    return layout.isByRows()
        ? addByRows(view, block.firstElement(), n)
        : addByLanes(block.firstElement(), n);
  }

  @Override
  public void flush() {
    scalar.flush();
    flushLanes();
    buckets.flush();
    counts.flush(sums);
  }

  private void flushLanes() {
    if (certified != null) {
      certified.flush();
    }
  }

  /** Windows depend on the element type, slots on the layout. */
  private void prepare(DType newType, ChannelView view) {
    if (newType == dtype && layout.suits(view)) {
      return;
    }
    flushLanes();
    dtype = newType;
    layout = LaneLayout.of(view, loops.lanes());
    values = valuesOf.computeIfAbsent(newType, this::valuesOf);
    certified = new CertifiedSums(layout, values, sums);
  }

  private LaneValues valuesOf(DType newType) {
    return newType == DType.F64
        ? new Binary64Values(loops, sums, nonFinite, counts)
        : new Binary32Values(newType, loops, buckets, nonFinite, counts);
  }

  private long addByRows(ChannelView view, long first, int n) {
    long firstNonFinite = ALL_FINITE;
    for (int done = 0; done < n; ) {
      int part = values.next(wholeRows(view.inner(), first + done, n - done), 1);
      addRows(view, first + done, part);
      if (firstNonFinite == ALL_FINITE && values.firstNonFinite >= 0) {
        firstNonFinite = first + done + values.firstNonFinite;
      }
      done += part;
    }
    return firstNonFinite;
  }

  /** How many elements to take next: of rows that fit a part whole ones, as cutting costs time. */
  private int wholeRows(long inner, long position, int left) {
    int part = values.part();
    if (left <= part) {
      return left;
    }
    long begun = position % inner;
    long rows = (begun + part) / inner * inner - begun;
    return rows > 0 ? (int) rows : part;
  }

  private void addRows(ChannelView view, long position, int n) {
    long inner = view.inner();
    int channels = view.channels();
    int channel = (int) (position / inner % channels);
    long left = inner - position % inner;
    int longest = LaneSums.MOST_STEPS * loops.lanes();
    for (int at = 0; at < n; ) {
      if (left == inner && inner <= n - at && inner <= longest) {
        int rows = (int) Math.min(channels - channel, (n - at) / inner);
        addPiece(channel, rows, at, (int) inner);
        at += rows * (int) inner;
        channel += rows;
      } else {
        int length = (int) Math.min(left, n - at);
        addLongRow(channel, at, length);
        at += length;
        channel++;
      }
      left = inner;
      channel = channel == channels ? 0 : channel;
    }
  }

  /** In pieces of about equal length. */
  private void addLongRow(int channel, int from, int length) {
    int lanes = loops.lanes();
    int steps = (length + lanes - 1) / lanes;
    int pieces = (steps + LaneSums.MOST_STEPS - 1) / LaneSums.MOST_STEPS;
    int size = (steps + pieces - 1) / pieces * lanes;
    for (int done = 0; done < length; done += size) {
      addPiece(channel, 1, from + done, Math.min(size, length - done));
    }
  }

  private void addPiece(int channel, int rows, int from, int length) {
    int lanes = loops.lanes();
    piece.base = from;
    piece.stride = lanes;
    piece.steps = (length + lanes - 1) / lanes;
    piece.tail = length - (piece.steps - 1) * lanes;
    piece.slot = channel;
    piece.slots = rows;
    piece.slotStride = length;
    certified.add(piece);
  }

  private long addByLanes(long first, int n) {
    int lanes = loops.lanes();
    int period = layout.period();
    int stride = layout.slots() * lanes;
    boolean contiguous = stride == period && period <= values.capacity();
    if (stride * values.width() % ALIASING_BYTES == 0) {
      stride += CACHE_LINE_BYTES / values.width();
    }
    int periods = values.capacity() / stride;
    long firstNonFinite = ALL_FINITE;
    for (int done = 0; done < n; ) {
      int place = (int) ((first + done) % period);
      if (contiguous && place == 0 && n - done >= period) {
        int most = Math.max(values.part(), LEAST_STEPS * period);
        int part = values.next(Math.min(n - done, most), period);
        addLanes(0, part, 0, period, period);
        if (firstNonFinite == ALL_FINITE && values.firstNonFinite >= 0) {
          firstNonFinite = first + done + values.firstNonFinite;
        }
        done += part;
        continue;
      }
      // Of a single period, the slots from the first element's on: it may be longer than the array.
      boolean single = stride > values.capacity() || place + (n - done) <= period;
      int origin = single ? place / lanes * lanes : 0;
      int fit = (single ? Math.min(period, origin + values.capacity()) : periods * period) - place;
      int part = Math.min(fit, n - done);
      load(place, part, origin, period, stride);
      addLanes(place, place + part, origin, period, stride);
      if (firstNonFinite == ALL_FINITE && values.firstNonFinite >= 0) {
        int index = values.firstNonFinite + origin;
        firstNonFinite = first + done - place + index / stride * (long) period + index % stride;
      }
      done += part;
    }
    return firstNonFinite;
  }

  /** Lays elements out, those of place 0 a stride apart, and zeros around them. */
  private void load(int place, int n, int origin, int period, int stride) {
    int lanes = loops.lanes();
    int end = place + n;
    values.clear(place / lanes * lanes - origin, place - origin);
    if (stride == period) {
      values.load(place - origin, n);
      values.clear(end - origin, end + (lanes - end % lanes) % lanes - origin);
      return;
    }
    for (int from = place, row = 0; from < end; from = ++row * period) {
      int to = Math.min(end, (row + 1) * period);
      int shift = row * (stride - period) - origin;
      values.load(from + shift, to - from);
      int places = to - row * period;
      values.clear(to + shift, to + shift + (lanes - places % lanes) % lanes);
    }
  }

  /**
   * Adds places from {@code begin} of the first period to {@code end}, counted from the same place
   * 0. Slots before the first element miss the first period, those after the last element the last.
   */
  private void addLanes(int begin, int end, int origin, int period, int stride) {
    int lanes = loops.lanes();
    int lastRow = (end - 1) / period;
    int firstSlot = begin / lanes;
    int endSlot = (end - lastRow * period + lanes - 1) / lanes;
    int low = Math.min(firstSlot, endSlot);
    int high = Math.max(firstSlot, endSlot);
    addSlots(0, low, 1, lastRow + 1, origin, stride);
    if (firstSlot < endSlot) {
      addSlots(low, high, 0, lastRow + 1, origin, stride);
    } else {
      addSlots(low, high, 1, lastRow, origin, stride);
    }
    addSlots(high, layout.slots(), 0, lastRow, origin, stride);
  }

  private void addSlots(int from, int to, int firstRow, int endRow, int origin, int stride) {
    if (from >= to) {
      return;
    }
    int lanes = loops.lanes();
    for (int row = firstRow; row < endRow; row += LaneSums.MOST_STEPS) {
      piece.base = row * stride + from * lanes - origin;
      piece.stride = stride;
      piece.steps = Math.min(LaneSums.MOST_STEPS, endRow - row);
      piece.tail = lanes;
      piece.slot = from;
      piece.slots = to - from;
      piece.slotStride = lanes;
      certified.add(piece);
    }
  }
}
