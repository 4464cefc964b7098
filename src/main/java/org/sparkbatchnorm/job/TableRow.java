package org.sparkbatchnorm.job;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.unsafe.types.UTF8String;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.TensorBlock;

/**
 * One row of an {@link ActivationTable}: a tensor.
 *
 * @param row in Spark's internal form
 * @param place for messages
 */
record TableRow(InternalRow row, RowPlace place) {

  /** The row's layer, wanted or not. */
  String layer(LayerSelection selection) throws MalformedFileException {
    requirePresent(ActivationTable.LAYER, "layer");
    UTF8String name = row.getUTF8String(ActivationTable.LAYER);
    if (!name.isValid()) {
      // As a Java string it could be the same as another such name.
      throw place.bad("LAYER_NAME", "layer " + name + " is not valid UTF-8");
    }
    return place.layer(selection, name.toString());
  }

  /** Where the tensor's channels are. */
  ChannelView view(LayerSelection selection, String layer) throws MalformedFileException {
    requirePresent(ActivationTable.SHAPE, "shape");
    ArrayData shape = row.getArray(ActivationTable.SHAPE);
    for (int axis = 0; axis < shape.numElements(); axis++) {
      if (shape.isNullAt(axis)) {
        throw place.bad("NULL_VALUE", "axis " + axis + " of the shape is null");
      }
    }
    return place.view(selection, layer, shape.toLongArray());
  }

  /** The tensor's values. */
  TensorBlock block(ActivationTable.Values values, ChannelView view) throws MalformedFileException {
    requirePresent(ActivationTable.DATA, "data");
    return switch (values) {
      case FLOATS -> {
        float[] floats = array(view).toFloatArray();
        ByteBuffer bytes = ByteBuffer.allocate(4 * floats.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(floats);
        yield TensorBlock.whole(DType.F32, bytes, view);
      }
      case DOUBLES -> {
        double[] doubles = array(view).toDoubleArray();
        ByteBuffer bytes = ByteBuffer.allocate(8 * doubles.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asDoubleBuffer().put(doubles);
        yield TensorBlock.whole(DType.F64, bytes, view);
      }
      case BYTES -> {
        DType dtype = dtype();
        byte[] bytes = row.getBinary(ActivationTable.DATA);
        if (bytes.length % dtype.bytes() != 0) {
          throw place.bad(
              "SHAPE_MISMATCH", "data has " + bytes.length + " bytes, no whole number of " + dtype);
        }
        requireElements(bytes.length / dtype.bytes(), view.elements(), " values of " + dtype);
        yield TensorBlock.whole(dtype, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), view);
      }
    };
  }

  private DType dtype() throws MalformedFileException {
    requirePresent(ActivationTable.DTYPE, "dtype");
    String word = row.getUTF8String(ActivationTable.DTYPE).toString();
    return DType.ofName(word)
        .orElseThrow(() -> place.bad("DTYPE", "dtype " + word + " is none of " + DType.names()));
  }

  private ArrayData array(ChannelView view) throws MalformedFileException {
    ArrayData data = row.getArray(ActivationTable.DATA);
    requireElements(data.numElements(), view.elements(), " values");
    for (int i = 0; i < data.numElements(); i++) {
      if (data.isNullAt(i)) {
        throw place.bad("NULL_VALUE", "value " + i + " is null");
      }
    }
    return data;
  }

  private void requireElements(long found, long expected, String what)
      throws MalformedFileException {
    if (found != expected) {
      throw place.bad(
          "SHAPE_MISMATCH", "data has " + found + what + ", but the shape asks for " + expected);
    }
  }

  private void requirePresent(int column, String name) throws MalformedFileException {
    if (row.isNullAt(column)) {
      throw place.bad("NULL_VALUE", name + " is null");
    }
  }
}
