package org.sparkbatchnorm.source;

import java.util.ArrayList;
import java.util.List;
import org.sparkbatchnorm.source.Split.Piece;

/**
 * Packs tensors, in the order they come, into splits of at most a given size: small ones share a
 * split, a large one is cut between rows. A single row is never cut. One use.
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
    long rowsPerPiece = Math.max(1, splitBytes / rowBytes);
    long rows = elements / rowElements;
    for (long row = 0; row < rows; row += rowsPerPiece) {
      long count = Math.min(rowsPerPiece, rows - row);
      put(new Piece(tensor, row * rowElements, count * rowElements));
    }
  }

  private void put(Piece piece) {
    if (!open.isEmpty() && openBytes + piece.bytes() > splitBytes) {
      close();
    }
    open.add(piece);
    openBytes += piece.bytes();
  }

  private void close() {
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
