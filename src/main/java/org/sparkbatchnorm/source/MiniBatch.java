package org.sparkbatchnorm.source;

import java.io.Serializable;

/**
 * A mini-batch as one of the tensors that hold it sees it.
 *
 * @param id the same for all its parts, and for those of no other
 * @param name what messages call it
 * @param elements of all of it
 * @param rows of all of it
 * @param followers how many mini-batches of the layer come after it, if they have an order
 * @param endElement position in the tensor where it ends there
 */
public record MiniBatch(
    Id id, String name, long elements, long rows, long followers, long endElement)
    implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Tells a mini-batch of a layer from all others of the layer. */
  public record Id(long number, long index) implements Serializable {
    private static final long serialVersionUID = 1L;
  }
}
