package org.sparkbatchnorm.kernel;

import java.nio.ByteBuffer;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * A {@link Normalization} over bytes: a part of them at a time is read into an array, normalized
 * there and written. Use once.
 */
final class BlockNormalization {
  /** Elements held at one time: with what becomes of them, a part of the first-level cache. */
  private static final int PART_ELEMENTS = 2048;

  private final Normalization normalization;
  private final TensorBlock block;
  private final ByteBuffer in;
  private final ByteBuffer out;
  private final int elements;

  /** From a block to a buffer, from its position on, which moves past the result. */
  BlockNormalization(Normalization normalization, TensorBlock block, ByteBuffer output) {
    this.normalization = normalization;
    this.block = block;
    this.in = block.bytes().slice().order(block.bytes().order());
    this.out = output;
    this.elements = block.elements();
  }

  void run() {
    switch (block.dtype()) {
      case F64 -> doubles();
      case F32 -> floats();
      default -> halves(block.dtype());
    }
  }

  private int part(int done) {
    return Math.min(PART_ELEMENTS, elements - done);
  }

  private void floats() {
    float[] values = new float[Math.min(elements, PART_ELEMENTS)];
    ChannelView view = block.view();
    for (int done = 0; done < elements; done += part(done)) {
      int count = part(done);
      in.asFloatBuffer().get(values, 0, count);
      in.position(in.position() + count * Float.BYTES);
      normalization.apply(values, values, 0, count, view, block.firstElement() + done);
      out.asFloatBuffer().put(values, 0, count);
      out.position(out.position() + count * Float.BYTES);
    }
  }

  private void doubles() {
    double[] values = new double[Math.min(elements, PART_ELEMENTS)];
    ChannelView view = block.view();
    for (int done = 0; done < elements; done += part(done)) {
      int count = part(done);
      in.asDoubleBuffer().get(values, 0, count);
      in.position(in.position() + count * Double.BYTES);
      normalization.apply(values, values, 0, count, view, block.firstElement() + done);
      out.asDoubleBuffer().put(values, 0, count);
      out.position(out.position() + count * Double.BYTES);
    }
  }

  private void halves(DType half) {
    short[] bits = new short[Math.min(elements, PART_ELEMENTS)];
    double[] values = new double[bits.length];
    ChannelView view = block.view();
    for (int done = 0; done < elements; done += part(done)) {
      int count = part(done);
      in.asShortBuffer().get(bits, 0, count);
      in.position(in.position() + count * Short.BYTES);
      normalization.widen(half, bits, values, count);
      normalization.apply(values, values, 0, count, view, block.firstElement() + done);
      normalization.narrow(half, values, bits, count);
      out.asShortBuffer().put(bits, 0, count);
      out.position(out.position() + count * Short.BYTES);
    }
  }
}
