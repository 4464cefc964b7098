package org.sparkbatchnorm.source;

import java.io.Serializable;
import org.sparkbatchnorm.source.MiniBatching.Kind;
import org.sparkbatchnorm.tensor.ChannelView;

/**
 * What has to be known of mini-batches.
 *
 * @param batching what one is
 * @param orderedFrom values per channel from which on a mini-batch has a place in the order of its
 *     layer's; 0 where their order is of no importance
 */
public record MiniBatchRule(MiniBatching batching, int orderedFrom) implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Each tensor is one, and their order is of no importance. */
  public static final MiniBatchRule TENSORS = new MiniBatchRule(MiniBatching.TENSOR, 0);

  /** Whether their order matters. */
  public boolean isOrdered() {
    return orderedFrom > 0;
  }

  /** Whether the keys of all tensors must be known before one of them is counted. */
  public boolean needsKeys() {
    return batching.kind() == Kind.KEY || isOrdered();
  }

  /** Whether that concerns the key of this tensor. */
  boolean needsKey(ChannelView view, long rows) {
    return batching.kind() == Kind.KEY || (isOrdered() && places(view, rows) > 0);
  }

  /** How many places in the order a tensor takes by itself. */
  long places(ChannelView view, long rows) {
    if (view.elements() == 0) {
      return 0;
    }
    return batching.kind() == Kind.ROWS
        ? byRows(0, view, rows, 0).places()
        : hasPlace(view.elementsPerChannel());
  }

  /** 1 if a mini-batch of so many values per channel has a place in the order, else 0. */
  int hasPlace(long valuesPerChannel) {
    return valuesPerChannel >= Math.max(1, orderedFrom) ? 1 : 0;
  }

  /** The mini-batches of a tensor with elements, where rows make them. */
  MiniBatches.OfRows byRows(long number, ChannelView view, long rows, long followersOfLast) {
    return new MiniBatches.OfRows(
        number,
        rows,
        view.elements() / rows,
        view.elementsPerChannel() / rows,
        Math.min(batching.rows(), rows),
        orderedFrom,
        followersOfLast);
  }
}
