package org.sparkbatchnorm.job;

import java.util.Arrays;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.LayerSelection;
import org.sparkbatchnorm.tensor.ChannelView;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * A row of a table, for messages, and the checks of what it says of itself.
 *
 * @param file it is in, or what else messages call the table
 * @param number of the row in its file, or in its partition
 */
record RowPlace(String file, long number) {

  /**
   * The layer that a row's name stands for.
   *
   * @throws MalformedFileException if the name does not match the pattern
   */
  String layer(LayerSelection selection, String name) throws MalformedFileException {
    return selection
        .layerOf(name)
        .orElseThrow(
            () ->
                bad(
                    "LAYER_NAME",
                    "layer " + name + " does not match the layer pattern " + selection.pattern()));
  }

  /**
   * Where the channels of a tensor of this shape are.
   *
   * @throws MalformedFileException if it is no shape, or not one of the layer's layout
   */
  ChannelView view(LayerSelection selection, String layer, long[] dimensions)
      throws MalformedFileException {
    try {
      return selection.layoutOf(layer).view(Shape.of(dimensions), ElementOrder.ROW_MAJOR);
    } catch (ArithmeticException e) {
      throw bad(
          "SIZE_OVERFLOW",
          "shape " + Arrays.toString(dimensions) + " has more than 2^63 - 1 elements");
    } catch (IllegalArgumentException e) {
      boolean negative = Arrays.stream(dimensions).anyMatch(dimension -> dimension < 0);
      throw bad(negative ? "NEGATIVE_DIM" : "SHAPE_MISMATCH", e.getMessage());
    }
  }

  /** Where an element of the row's tensor is. */
  Place element(long element) {
    return new Place(
        file, number, MalformedFileException.NO_OFFSET, "row " + number + ", element " + element);
  }

  /** What messages call the tensor. */
  String display() {
    return "row " + number + " in " + file;
  }

  MalformedFileException bad(String code, String reason) {
    return new MalformedFileException(
        file, MalformedFileException.NO_OFFSET, code, "row " + number + ": " + reason);
  }
}
