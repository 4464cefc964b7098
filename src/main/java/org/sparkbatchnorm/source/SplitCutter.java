package org.sparkbatchnorm.source;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.sparkbatchnorm.source.Split.Piece;

/**
 * Packs tensors, in the order they come, into splits of at most a given size: small ones share a
 * split, a large one is cut between rows, and where rows make mini-batches, between those if they
 * are small enough. A single row is never cut. One use.
 */
final class SplitCutter {
  private final long splitBytes;
  private final List<Split> splits = new ArrayList<>();
  private List<Piece> open = new ArrayList<>();
  private long openBytes;

  SplitCutter(long splitBytes) {
    if (splitBytes < 1) {
      throw new IllegalArgumentException("split size is " + splitBytes + ", but must be positive");
    }
    this.splitBytes = splitBytes;
  }

  /** Adds a tensor; one without elements needs no reading. */
  void add(PlannedTensor tensor, long rowElements) {
    long elements = tensor.view().elements();
    long rowBytes = rowElements * tensor.dtype().bytes();
    if (elements == 0) {
      return;
    }
    if (elements * tensor.dtype().bytes() <= splitBytes) {
      put(new Piece(tensor, 0, elements));
      return;
    }
    long rowsPerPiece = rowsPerPiece(tensor, rowElements, Math.max(1, splitBytes / rowBytes));
    long rows = elements / rowElements;
    for (long row = 0; row < rows; row += rowsPerPiece) {
      long count = Math.min(rowsPerPiece, rows - row);
      put(new Piece(tensor, row * rowElements, count * rowElements));
    }
  }

  /** The most rows of a piece, so that as few mini-batches as possible are cut. */
  private static long rowsPerPiece(PlannedTensor tensor, long rowElements, long most) {
    long rowsPerMiniBatch = tensor.miniBatches().stride() / rowElements;
    return most < rowsPerMiniBatch ? most : most - most % rowsPerMiniBatch;
  }

  private void put(Piece piece) {
    if (!open.isEmpty() && openBytes + piece.bytes() > splitBytes) {
      close();
    }
    open.add(piece);
    openBytes += piece.bytes();
  }

  /** Whatever order the tensors came in, a split reads them as they lie in their files. */
  private void close() {
    open.sort(Comparator.comparingLong(piece -> piece.tensor().ordinal()));
    splits.add(new Split(splits.size(), List.copyOf(open)));
    open = new ArrayList<>();
    openBytes = 0;
  }

  /** All splits; nothing may be added after. */
  List<Split> splits() {
    if (!open.isEmpty()) {
      close();
    }
    return List.copyOf(splits);
  }
}
