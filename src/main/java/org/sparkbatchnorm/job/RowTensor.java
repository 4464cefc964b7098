package org.sparkbatchnorm.job;

import java.nio.ByteBuffer;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.parquet.RowSink;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * The tensor of one row after the other: checks that it is what the row says, and counts it. Values
 * that come few at a time are gathered into blocks. Not thread-safe.
 */
final class RowTensor implements RowSink {
  private static final int GATHERED_BYTES = 64 * 1024;

  /** From here on a copy costs more than a block of its own. */
  private static final int FEW_BYTES = 8 * 1024;

  private final TaskScan scan;
  private final ByteBuffer gathered = ByteBuffer.allocate(GATHERED_BYTES);

  private TableRow row;
  private ChannelView view;
  private long[] shape;
  private int depth;
  private DType dtype;

  /** Values of the row so far, those that are gathered included. */
  private long values;

  RowTensor(TaskScan scan) {
    this.scan = scan;
  }

  /**
   * A row begins.
   *
   * @param part what the row is to the scan
   * @param lengths of the tensor's axes
   * @param type how it holds its values: flat, or in an array for each axis
   * @throws MalformedFileException if there are other arrays than axes
   */
  void begin(TableRow next, TensorPart part, long[] lengths, ValueType type)
      throws MalformedFileException {
    row = next;
    view = part.view();
    shape = lengths;
    depth = type.depth();
    dtype = type.dtype().orElse(null);
    values = 0;
    gathered.clear();
    if (depth > 1 && depth != shape.length) {
      throw mismatch("data has " + depth + " axes", shape.length + "");
    }
    scan.begin(part);
  }

  @Override
  public void values(ByteBuffer bytes) throws MalformedFileException {
    if (depth == 0) {
      requireWhole(bytes.remaining());
    }
    int count = bytes.remaining() / dtype.bytes();
    // What is too much is counted, for the message.
    int wanted = (int) Math.min(count, view.elements() - values);
    if (wanted > 0) {
      bytes.limit(bytes.position() + wanted * dtype.bytes());
      if (bytes.remaining() > FEW_BYTES) {
        countGathered();
        scan.add(new TensorBlock(dtype, bytes, view, values));
      } else {
        gather(bytes);
      }
    }
    values += count;
  }

  private void requireWhole(int bytes) throws MalformedFileException {
    dtype = row.dtype();
    if (bytes % dtype.bytes() != 0) {
      throw row.place()
          .bad("SHAPE_MISMATCH", "data has " + bytes + " bytes, no whole number of " + dtype);
    }
    requireElements(bytes / dtype.bytes(), " values of " + dtype);
  }

  private void gather(ByteBuffer bytes) {
    if (bytes.remaining() > gathered.remaining() || bytes.order() != gathered.order()) {
      countGathered();
    }
    gathered.order(bytes.order()).put(bytes);
  }

  private void countGathered() {
    if (gathered.position() > 0) {
      gathered.flip();
      scan.add(
          new TensorBlock(dtype, gathered, view, values - gathered.remaining() / dtype.bytes()));
      gathered.clear();
    }
  }

  @Override
  public void endList(int at, long entries) throws MalformedFileException {
    if (depth == 1) {
      requireElements(entries, " values");
    } else if (entries != shape[at]) {
      throw mismatch("an array on axis " + at + " has " + entries + " entries", shape[at] + "");
    }
  }

  @Override
  public void nullAt(int at) throws MalformedFileException {
    String what = at == 0 ? "data" : at == depth ? "value " + values : "an array on axis " + at;
    throw row.place().bad("NULL_VALUE", what + " is null");
  }

  /** The row's values have all been given. */
  void end() throws MalformedFileException {
    countGathered();
    requireElements(values, " values");
  }

  private void requireElements(long found, String what) throws MalformedFileException {
    if (found != view.elements()) {
      throw mismatch("data has " + found + what, "" + view.elements());
    }
  }

  private MalformedFileException mismatch(String found, String expected) {
    return row.place().bad("SHAPE_MISMATCH", found + ", but the shape asks for " + expected);
  }
}
