package org.sparkbatchnorm.job;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.unsafe.Platform;
import org.sparkbatchnorm.format.parquet.RowSink;
import org.sparkbatchnorm.job.ValueType.Elements;

/**
 * Gives the values of Spark's arrays, however nested, to a sink: where they lie, if that is a plain
 * {@link UnsafeArrayData} on the heap, else through one block of memory. Nulls are looked for word
 * by word of their bits where there are such. Not thread-safe.
 */
final class SparkArrays {
  private static final int BLOCK_BYTES = 64 * 1024;
  private static final int NONE = -1;

  private final ValueType type;
  private final int width;
  private final ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.nativeOrder());

  SparkArrays(ValueType type) {
    this.type = type;
    width = type.elements() == Elements.FLOAT ? Float.BYTES : Double.BYTES;
  }

  /** All values of an array of the table's type. */
  void read(ArrayData array, Nulls nulls, RowSink sink) throws IOException {
    read(array, nulls, 0, sink);
  }

  /** Whether values that are null must be looked for. */
  enum Nulls {
    POSSIBLE,
    NONE
  }

  private void read(ArrayData array, Nulls nulls, int at, RowSink sink) throws IOException {
    int entries = array.numElements();
    if (at + 1 == type.depth()) {
      readValues(array, nulls, sink);
    } else {
      for (int i = 0; i < entries; i++) {
        if (array.isNullAt(i)) {
          sink.nullAt(at + 1);
        } else {
          read(array.getArray(i), nulls, at + 1, sink);
        }
      }
    }
    sink.endList(at, entries);
  }

  private void readValues(ArrayData array, Nulls nulls, RowSink sink) throws IOException {
    int firstNull = nulls == Nulls.NONE ? NONE : firstNull(array);
    int count = firstNull == NONE ? array.numElements() : firstNull;
    if (array instanceof UnsafeArrayData unsafe) {
      give(unsafe, count, sink);
    } else if (type.elements() == Elements.FLOAT) {
      give(firstNull == NONE ? array.toFloatArray() : floats(array, count), sink);
    } else {
      give(firstNull == NONE ? array.toDoubleArray() : doubles(array, count), sink);
    }
    if (firstNull != NONE) {
      sink.nullAt(type.depth());
    }
  }

  private static int firstNull(ArrayData array) {
    int count = array.numElements();
    if (array instanceof UnsafeArrayData unsafe) {
      // 8 bytes of length, then a bit for each element, set where it is null.
      long bits = unsafe.getBaseOffset() + Long.BYTES;
      for (int first = 0; first < count; first += Long.SIZE) {
        long word = Platform.getLong(unsafe.getBaseObject(), bits + first / Byte.SIZE);
        if (word != 0) {
          return first + Long.numberOfTrailingZeros(word);
        }
      }
      return NONE;
    }
    for (int i = 0; i < count; i++) {
      if (array.isNullAt(i)) {
        return i;
      }
    }
    return NONE;
  }

  private void give(UnsafeArrayData array, int count, RowSink sink) throws IOException {
    Object base = array.getBaseObject();
    long values =
        array.getBaseOffset() + UnsafeArrayData.calculateHeaderPortionInBytes(array.numElements());
    int bytes = Math.multiplyExact(count, width);
    if (base instanceof byte[] heap) {
      int index = (int) (values - Platform.BYTE_ARRAY_OFFSET);
      sink.values(ByteBuffer.wrap(heap, index, bytes).order(ByteOrder.nativeOrder()));
      return;
    }
    for (int done = 0; done < bytes; done += BLOCK_BYTES) {
      int some = Math.min(BLOCK_BYTES, bytes - done);
      Platform.copyMemory(base, values + done, block.array(), Platform.BYTE_ARRAY_OFFSET, some);
      sink.values(block.clear().limit(some));
    }
  }

  private void give(float[] values, RowSink sink) throws IOException {
    int most = BLOCK_BYTES / Float.BYTES;
    for (int done = 0; done < values.length; done += most) {
      int some = Math.min(most, values.length - done);
      block.clear().asFloatBuffer().put(values, done, some);
      sink.values(block.limit(some * Float.BYTES));
    }
  }

  private void give(double[] values, RowSink sink) throws IOException {
    int most = BLOCK_BYTES / Double.BYTES;
    for (int done = 0; done < values.length; done += most) {
      int some = Math.min(most, values.length - done);
      block.clear().asDoubleBuffer().put(values, done, some);
      sink.values(block.limit(some * Double.BYTES));
    }
  }

  private static float[] floats(ArrayData array, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = array.getFloat(i);
    }
    return values;
  }

  private static double[] doubles(ArrayData array, int count) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] = array.getDouble(i);
    }
    return values;
  }
}
