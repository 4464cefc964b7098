package org.sparkbatchnorm.format.parquet;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.sparkbatchnorm.tensor.DType;

/**
 * What a row holds, as text: its values, how long its lists are by depth and order of their ends,
 * and how deep its nulls are. Of a row in memory, or of one that is read.
 */
final class RowText implements RowSink {
  private final Optional<DType> dtype;
  private final StringBuilder values = new StringBuilder();
  private final StringBuilder lists = new StringBuilder();
  private final StringBuilder nulls = new StringBuilder();

  RowText(Optional<DType> dtype) {
    this.dtype = dtype;
  }

  static String of(Object row, Optional<DType> dtype) {
    RowText text = new RowText(dtype);
    text.add(row, 0);
    return text.toString();
  }

  private void add(Object value, int depth) {
    if (value == null) {
      nullAt(depth);
    } else if (value instanceof List<?> list) {
      list.forEach(entry -> add(entry, depth + 1));
      endList(depth, list.size());
    } else if (value instanceof byte[] bytes) {
      values.append(HexFormat.of().formatHex(bytes)).append(' ');
    } else {
      values.append(value).append(' ');
    }
  }

  @Override
  public void values(ByteBuffer bytes) {
    if (dtype.isEmpty()) {
      byte[] array = new byte[bytes.remaining()];
      bytes.get(array);
      add(array, 0);
    }
    while (bytes.hasRemaining()) {
      if (dtype.get() == DType.F32) {
        add(bytes.getFloat(), 0);
      } else {
        add(bytes.getDouble(), 0);
      }
    }
  }

  @Override
  public void endList(int depth, long entries) {
    lists.append(depth).append(':').append(entries).append(' ');
  }

  @Override
  public void nullAt(int depth) {
    nulls.append(depth).append(' ');
  }

  @Override
  public String toString() {
    return "values " + values + "lists " + lists + "nulls " + nulls;
  }
}
