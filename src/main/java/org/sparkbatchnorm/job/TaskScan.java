package org.sparkbatchnorm.job;

import java.util.HashMap;
import java.util.Map;
import org.sparkbatchnorm.estimator.Estimator.Needs;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.statistics.ChannelMomentsAccumulator;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Counts parts of tensors within one task. One accumulator per number of channels is used over and
 * over; it is emptied into the layer's state where the layer changes, or after every part if
 * mini-batches matter. Not thread-safe.
 */
final class TaskScan {
  private final Counting counting;
  private final ScanState state = ScanState.empty();
  private final Map<Integer, ChannelMomentsAccumulator> accumulators = new HashMap<>();
  private TensorPart part;
  private LayerScan layer;
  private ChannelMomentsAccumulator accumulator;

  TaskScan(Counting counting) {
    this.counting = counting;
  }

  /**
   * The blocks added from now on belong to this part.
   *
   * @throws MalformedFileException if its channels are not those of its layer
   */
  void begin(TensorPart next) throws MalformedFileException {
    if (part != null
        && (counting.needs() == Needs.MINI_BATCHES || !part.layer().equals(next.layer()))) {
      flush();
    }
    layer = state.layer(next, counting.accumulation());
    layer.note(next);
    part = next;
    accumulator =
        accumulators.computeIfAbsent(
            next.view().channels(),
            channels -> ChannelMomentsAccumulator.forChannels(channels, counting.accumulation()));
  }

  /** Counts a block of the current part. */
  void add(TensorBlock block) {
    long nonFinite = accumulator.add(block);
    if (nonFinite != ChannelMomentsAccumulator.ALL_FINITE) {
      state.nonFiniteAt(part.places().apply(nonFinite));
    }
  }

  void countRow() {
    state.countRow();
  }

  private void flush() {
    if (counting.needs() == Needs.MINI_BATCHES) {
      layer.addMiniBatch(accumulator.snapshot(), part);
    } else {
      layer.addPooled(accumulator.snapshot());
    }
    accumulator.clear();
  }

  /** All that was counted. */
  ScanState finish() {
    if (part != null) {
      flush();
      part = null;
    }
    return state;
  }
}
