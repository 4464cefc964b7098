package org.sparkbatchnorm.kernel;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * Cuts blocks into parts of those elements only whose positions a mask counts. Where channels stand
 * last, a part is a stretch of whole positions; else the counted elements of one channel, put
 * beside each other and passed on as if they were its first: each element keeps its channel, not
 * its position. Not thread-safe.
 */
final class MaskedBlocks {
  private static final int POSITIONS = 8192;

  private final Mask mask;
  private final Consumer<TensorBlock> sink;
  private final boolean[] counted = new boolean[POSITIONS];
  private final byte[] dense = new byte[POSITIONS * Double.BYTES + TensorBlock.SLACK_BYTES];

  /** Parts go to the sink, and are valid until it returns. */
  MaskedBlocks(Mask mask, Consumer<TensorBlock> sink) {
    this.mask = mask;
    this.sink = sink;
  }

  void add(TensorBlock block) {
    if (block.view().inner() == 1) {
      addPositions(block);
    } else {
      addRuns(block);
    }
  }

  private void addPositions(TensorBlock block) {
    long first = block.firstElement();
    int channels = block.view().channels();
    int elements = block.elements();
    int from = 0;
    while (from < elements) {
      long position = (first + from) / channels;
      int positions = (int) Math.min(POSITIONS, (first + elements - 1) / channels - position + 1);
      mask.read(position, counted, positions);
      for (int i = 0; i < positions; ) {
        int end = endOfStretch(i, positions);
        int to = (int) Math.min(elements, (position + end) * channels - first);
        if (counted[i]) {
          sink.accept(block.slice(from, to));
        }
        from = to;
        i = end;
      }
    }
  }

  private void addRuns(TensorBlock block) {
    ChannelView view = block.view();
    int elements = block.elements();
    int from = 0;
    while (from < elements) {
      long element = block.firstElement() + from;
      long place = element % view.inner();
      int length = (int) Math.min(Math.min(elements - from, view.inner() - place), POSITIONS);
      mask.read(element / view.inner() / view.channels() * view.inner() + place, counted, length);
      addRun(block, from, length);
      from += length;
    }
  }

  /** Elements of one channel. */
  private void addRun(TensorBlock block, int from, int length) {
    if (endOfStretch(0, length) == length) {
      if (counted[0]) {
        sink.accept(block.slice(from, from + length));
      }
      return;
    }
    int width = block.dtype().bytes();
    int base = block.bytes().position() + from * width;
    int kept = 0;
    for (int i = 0; i < length; ) {
      int end = endOfStretch(i, length);
      if (counted[i]) {
        block.bytes().get(base + i * width, dense, kept * width, (end - i) * width);
        kept += end - i;
      }
      i = end;
    }
    ByteBuffer bytes = ByteBuffer.wrap(dense, 0, kept * width).order(block.bytes().order());
    sink.accept(new TensorBlock(block.dtype(), bytes, block.view(), block.firstElement() + from));
  }

  private int endOfStretch(int from, int length) {
    int end = from + 1;
    while (end < length && counted[end] == counted[from]) {
      end++;
    }
    return end;
  }
}
