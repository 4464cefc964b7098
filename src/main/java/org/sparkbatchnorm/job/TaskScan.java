package org.sparkbatchnorm.job;

import java.util.HashMap;
import java.util.Map;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.MiniBatch;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.statistics.ChannelMomentsAccumulator;
import org.sparkbatchnorm.statistics.ExactKernels;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Counts parts of tensors within one task. Each layer has an accumulator of its own, up to {@value
 * #MOST_OPEN} of them; they are emptied into the layers' states at the end, or after every
 * mini-batch if those matter. Not thread-safe.
 */
final class TaskScan {
  /** An accumulator holds some hundred kilobytes besides its channels' sums. */
  private static final int MOST_OPEN = 64;

  private final Counting counting;
  private final ExactKernels kernels;
  private final ScanState state = ScanState.empty();
  private final Map<String, OpenLayer> openLayers = new HashMap<>();
  private TensorPart part;
  private OpenLayer open;

  /** What the accumulator holds a part of; null where that is of no interest. */
  private MiniBatch miniBatch;

  private long miniBatchElements;

  private record OpenLayer(LayerScan layer, ChannelMomentsAccumulator accumulator) {
    void flush() {
      layer.addPooled(accumulator.snapshot());
    }
  }

  /**
   * A scan that has counted nothing.
   *
   * @throws IllegalStateException if a kernel is forced that cannot run here
   */
  TaskScan(Counting counting) {
    this.counting = counting;
    kernels = counting.kernels();
    if (counting.accumulation() == Accumulation.EXACT) {
      state.countedBy(kernels.name());
    }
  }

  /**
   * The blocks added from now on belong to this part.
   *
   * @throws MalformedFileException if its channels are not those of its layer
   */
  void begin(TensorPart next) throws MalformedFileException {
    endPart();
    LayerScan layer = state.layer(next, counting);
    layer.note(next);
    part = next;
    open = openLayers.get(next.layer());
    if (open == null) {
      if (openLayers.size() == MOST_OPEN) {
        closeLayers();
      }
      open =
          new OpenLayer(
              layer,
              ChannelMomentsAccumulator.forChannels(
                  next.view().channels(), counting.accumulation(), kernels));
      openLayers.put(next.layer(), open);
    }
  }

  /** Counts a block of the current part. */
  void add(TensorBlock block) {
    if (!counting.keepsMiniBatches()) {
      count(block);
      return;
    }
    long first = block.firstElement();
    long from = first;
    long end = first + block.elements();
    while (from < end) {
      if (miniBatch == null || from >= miniBatch.endElement()) {
        endMiniBatch();
        miniBatch = part.miniBatchAt(from);
      }
      long to = Math.min(end, miniBatch.endElement());
      count(block.slice((int) (from - first), (int) (to - first)));
      miniBatchElements += to - from;
      from = to;
    }
  }

  private void count(TensorBlock block) {
    long nonFinite = open.accumulator.add(block);
    if (nonFinite != ChannelMomentsAccumulator.ALL_FINITE) {
      state.nonFiniteAt(part.places().apply(nonFinite));
    }
  }

  void countRow() {
    state.countRow();
  }

  private void endPart() {
    endMiniBatch();
    part = null;
  }

  private void endMiniBatch() {
    if (miniBatch != null) {
      open.layer.addMiniBatch(open.accumulator.snapshot(), miniBatchElements, miniBatch);
      open.accumulator.clear();
    }
    miniBatch = null;
    miniBatchElements = 0;
  }

  private void closeLayers() {
    if (!counting.keepsMiniBatches()) {
      openLayers.values().forEach(OpenLayer::flush);
    }
    openLayers.clear();
  }

  /** All that was counted. */
  ScanState finish() {
    endPart();
    closeLayers();
    return state;
  }
}
