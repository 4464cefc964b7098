package org.sparkbatchnorm.source;

import java.io.Serializable;
import java.util.List;

/**
 * What one task reads: pieces of tensors, in the order of files and offsets.
 *
 * @param index its place in the plan
 * @param pieces at least one
 */
public record Split(int index, List<Piece> pieces) implements Serializable {
  private static final long serialVersionUID = 1L;

  /**
   * A run of whole rows of a tensor, a row being one index of the outermost axis in the file.
   *
   * @param tensor whose rows
   * @param firstElement position of the first element in the tensor
   * @param elements how many, at least 1
   */
  public record Piece(PlannedTensor tensor, long firstElement, long elements)
      implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Whether this is all of the tensor. */
    public boolean isWhole() {
      return elements == tensor.view().elements();
    }

    /** Bytes of the run. */
    public long bytes() {
      return elements * tensor.dtype().bytes();
    }
  }
}
