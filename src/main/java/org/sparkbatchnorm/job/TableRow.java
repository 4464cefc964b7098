package org.sparkbatchnorm.job;

import java.util.Optional;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.unsafe.types.UTF8String;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.tensor.DType;

/**
 * What one row of an {@link ActivationTable} says of its tensor.
 *
 * @param columns in Spark's internal form
 * @param place for messages
 */
record TableRow(InternalRow columns, RowPlace place) {

  /** The row's layer, wanted or not. */
  String layer(LayerSelection selection) throws MalformedFileException {
    requirePresent(ActivationTable.LAYER, "layer");
    UTF8String name = columns.getUTF8String(ActivationTable.LAYER);
    if (!name.isValid()) {
      // As a Java string it could be the same as another such name.
      throw place.bad("LAYER_NAME", "layer " + name + " is not valid UTF-8");
    }
    return place.layer(selection, name.toString());
  }

  /** The key of the row's mini-batch: what stands in its column, or in the layer's name. */
  Optional<String> key(LayerSelection selection) throws MalformedFileException {
    if (columns.isNullAt(ActivationTable.BATCH)) {
      return selection.keyOf(columns.getUTF8String(ActivationTable.LAYER).toString());
    }
    UTF8String key = columns.getUTF8String(ActivationTable.BATCH);
    if (!key.isValid()) {
      throw place.bad("MINI_BATCH_KEY", "batch " + key + " is not valid UTF-8");
    }
    return Optional.of(key.toString());
  }

  /** The lengths of the tensor's axes, as they stand there. */
  long[] shape() throws MalformedFileException {
    requirePresent(ActivationTable.SHAPE, "shape");
    ArrayData shape = columns.getArray(ActivationTable.SHAPE);
    for (int axis = 0; axis < shape.numElements(); axis++) {
      if (shape.isNullAt(axis)) {
        throw place.bad("NULL_VALUE", "axis " + axis + " of the shape is null");
      }
    }
    return shape.toLongArray();
  }

  /** The type of values that are bytes. */
  DType dtype() throws MalformedFileException {
    requirePresent(ActivationTable.DTYPE, "dtype");
    String word = columns.getUTF8String(ActivationTable.DTYPE).toString();
    return DType.ofName(word)
        .orElseThrow(() -> place.bad("DTYPE", "dtype " + word + " is none of " + DType.names()));
  }

  private void requirePresent(int column, String name) throws MalformedFileException {
    if (columns.isNullAt(column)) {
      throw place.bad("NULL_VALUE", name + " is null");
    }
  }
}
