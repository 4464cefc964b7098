package org.sparkbatchnorm.statistics;

/**
 * Adds pieces to the slots of one layout: by the first loop, and where that leaves a slot alone, by
 * finding out why. A slot without room is flushed. A slot that was refused is measured, given a
 * window that fits the piece if there is one, and tried again - with the second loop, if the values
 * differ too much for the first. What no window fits goes elsewhere.
 *
 * <p>What was refused once is likely to be again, so a slot then stays away from the first loop for
 * 0, 1, 3, ... {@value #MOST_WAIT} pieces: doubling, and halved again after a success. Which loop
 * took a piece never shows in the sums. Mutable, not thread-safe.
 */
final class CertifiedSums {
  private static final int MOST_WAIT = 63;

  private static final byte FIRST = 0;
  private static final byte SECOND = 1;
  private static final byte ELSEWHERE = 2;

  private final LaneLayout layout;
  private final LaneValues values;
  private final LaneSums lanes;
  private final ExactSums sums;

  /** By which way the slot's next piece goes. */
  private final byte[] way;

  /** How many more pieces go that way before the first loop is tried again. */
  private final byte[] wait;

  /** How many they will be the next time. */
  private final byte[] nextWait;

  /** Pieces of the slot when the first loop was last tried again; more mean that it succeeded. */
  private final int[] piecesThen;

  private final Piece one = new Piece();

  CertifiedSums(LaneLayout layout, LaneValues values, ExactSums sums) {
    this.layout = layout;
    this.values = values;
    this.sums = sums;
    int slots = layout.slots();
    lanes = new LaneSums(slots, layout.lanes(), values.startScale(), values.levels());
    way = new byte[slots];
    wait = new byte[slots];
    nextWait = new byte[slots];
    piecesThen = new int[slots];
  }

  /** Adds a piece, which is used up. */
  void add(Piece piece) {
    piece.skip(values.first(piece, lanes));
    while (piece.slots > 0) {
      one.setFirstOf(piece);
      addOne(one);
      piece.skip(1);
      piece.skip(values.first(piece, lanes));
    }
  }

  /** Brings everything to the sums. */
  void flush() {
    for (int slot = 0; slot < lanes.slots(); slot++) {
      flush(slot);
    }
  }

  private void flush(int slot) {
    lanes.flush(slot, layout, sums);
    piecesThen[slot] = Math.min(piecesThen[slot], 0);
  }

  private void addOne(Piece piece) {
    int slot = piece.slot;
    if (lanes.isFull(slot)) {
      piecesThen[slot] = lanes.pieces(slot) == piecesThen[slot] ? 0 : -1;
      flush(slot);
    }
    switch (way[slot]) {
      case ELSEWHERE -> {
        values.addElsewhere(piece, layout);
        countDown(slot);
      }
      case SECOND -> {
        if (values.second(piece, lanes) == 1) {
          countDown(slot);
        } else {
          refused(piece);
        }
      }
      default -> {
        if (values.first(piece, lanes) == 0) {
          refused(piece);
        }
      }
    }
  }

  private void refused(Piece piece) {
    int slot = piece.slot;
    if (way[slot] == FIRST && lanes.pieces(slot) != piecesThen[slot]) {
      nextWait[slot] >>= 1;
    }
    // Without looking: windows reach further down for the second loop, and moving one costs more.
    // But where many pieces in a row needed it, the first loop may have become possible.
    if (way[slot] == FIRST && nextWait[slot] < MOST_WAIT / 2 && values.second(piece, lanes) == 1) {
      stay(slot, SECOND);
    } else if (values.measure(piece)) {
      retry(piece);
    } else {
      addElsewhere(piece);
    }
  }

  private void retry(Piece piece) {
    int slot = piece.slot;
    int range = values.leastScale - values.lowestBit;
    if (range <= values.firstBits()) {
      if (moveWindow(slot, values.firstBits())) {
        way[slot] = FIRST;
        lanes.release(slot);
        piecesThen[slot] = 0;
        if (values.first(piece, lanes) == 1) {
          return;
        }
      }
    } else if (range <= values.secondBits()) {
      if ((fits(lanes.scale(slot), values.secondBits()) || moveWindow(slot, values.secondBits()))
          && values.second(piece, lanes) == 1) {
        stay(slot, SECOND);
        return;
      }
    }
    addElsewhere(piece);
  }

  /** Whether a window would hold the measured values. */
  private boolean fits(int scale, int bits) {
    return scale >= values.leastScale && scale - bits <= values.lowestBit;
  }

  /** Moves the window to the measured values, with room above for values twice as large. */
  private boolean moveWindow(int slot, int bits) {
    int scale =
        Math.min(Math.min(values.leastScale + 1, values.lowestBit + bits), values.maxScale());
    scale = Math.max(scale, values.minScale());
    if (!fits(scale, bits)) {
      return false;
    }
    flush(slot);
    lanes.setScale(slot, scale);
    return true;
  }

  private void addElsewhere(Piece piece) {
    values.addElsewhere(piece, layout);
    stay(piece.slot, ELSEWHERE);
  }

  /** Keeps a slot on its way for some pieces. */
  private void stay(int slot, byte newWay) {
    wait[slot] = nextWait[slot];
    nextWait[slot] = (byte) Math.min(MOST_WAIT, 2 * nextWait[slot] + 1);
    way[slot] = newWay;
    if (wait[slot] == 0) {
      tryAgain(slot);
    } else {
      lanes.reserve(slot);
    }
  }

  private void countDown(int slot) {
    if (--wait[slot] == 0) {
      tryAgain(slot);
    }
  }

  private void tryAgain(int slot) {
    way[slot] = FIRST;
    lanes.release(slot);
    piecesThen[slot] = lanes.pieces(slot);
  }
}
