package org.sparkbatchnorm.source;

import java.io.Serializable;

/**
 * What one mini-batch of a layer is. It is never a Spark partition: how the work is cut has no part
 * in any result.
 *
 * @param kind which values belong together
 * @param rows with {@link Kind#ROWS}, how many rows make one, at least 1; 0 with the others
 */
public record MiniBatching(Kind kind, long rows) implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Each tensor is a mini-batch. */
  public static final MiniBatching TENSOR = new MiniBatching(Kind.TENSOR, 0);

  /** All tensors of a layer with an equal key are one mini-batch, whatever files they are in. */
  public static final MiniBatching KEY = new MiniBatching(Kind.KEY, 0);

  /** Which values belong together. */
  public enum Kind {
    /** Those of a tensor. */
    TENSOR,
    /** Those of all tensors of a layer with an equal key. */
    KEY,
    /** Those of so many consecutive rows of a tensor's outer axis; the last one may have fewer. */
    ROWS
  }

  /** The word for it on the command line and in checkpoints: tensor, key, or the rows. */
  public String word() {
    return switch (kind) {
      case TENSOR -> "tensor";
      case KEY -> "key";
      case ROWS -> Long.toString(rows);
    };
  }

  /**
   * Checks the number of rows.
   *
   * @throws IllegalArgumentException if it does not fit the kind
   */
  public MiniBatching {
    if (kind == Kind.ROWS ? rows < 1 : rows != 0) {
      throw new IllegalArgumentException(rows + " rows with mini-batches by " + kind);
    }
  }

  /**
   * So many consecutive rows of a tensor's outer axis are a mini-batch.
   *
   * @throws IllegalArgumentException if there is not at least one
   */
  public static MiniBatching ofRows(long rows) {
    return new MiniBatching(Kind.ROWS, rows);
  }
}
