package org.sparkbatchnorm.source;

import java.io.Serializable;

/** The mini-batches that the elements of one tensor belong to, in the order of the elements. */
public interface MiniBatches extends Serializable {
  /**
   * The one that an element belongs to.
   *
   * @param element position in the tensor
   * @param tensor what messages call the tensor
   */
  MiniBatch at(long element, String tensor);

  /** How many hold elements of this tensor and of no other. */
  long count();

  /** Elements of the tensor after which another one begins, or more than it has. */
  long stride();

  /**
   * All of a tensor is one mini-batch.
   *
   * @param number the same for no other tensor of its layer
   * @param elements of the tensor
   * @param rows of the tensor
   * @param followers how many come after it in their order
   */
  record OfTensor(long number, long elements, long rows, long followers) implements MiniBatches {
    private static final long serialVersionUID = 1L;

    @Override
    public MiniBatch at(long element, String tensor) {
      MiniBatch.Id id = new MiniBatch.Id(number, 0);
      return new MiniBatch(id, tensor, elements, rows, followers, elements);
    }

    @Override
    public long count() {
      return elements > 0 ? 1 : 0;
    }

    @Override
    public long stride() {
      return Long.MAX_VALUE;
    }
  }

  /**
   * All of a tensor is part of one mini-batch.
   *
   * @param batch ends where the tensor ends
   */
  record OfKey(MiniBatch batch) implements MiniBatches {
    private static final long serialVersionUID = 1L;

    @Override
    public MiniBatch at(long element, String tensor) {
      return batch;
    }

    @Override
    public long count() {
      return 0;
    }

    @Override
    public long stride() {
      return Long.MAX_VALUE;
    }
  }

  /**
   * So many consecutive rows each; what is left at the end is one, too.
   *
   * @param number the same for no other tensor of its layer
   * @param rows of the tensor, at least 1
   * @param rowElements elements of a row, at least 1
   * @param rowValues elements of a row in each channel, at least 1
   * @param each rows that make a mini-batch, at most those of the tensor
   * @param orderedFrom values per channel from which on a mini-batch has a place in the order
   * @param followersOfLast how many follow the tensor's last one
   */
  record OfRows(
      long number,
      long rows,
      long rowElements,
      long rowValues,
      long each,
      int orderedFrom,
      long followersOfLast)
      implements MiniBatches {
    private static final long serialVersionUID = 1L;

    @Override
    public MiniBatch at(long element, String tensor) {
      long index = element / stride();
      long from = index * each;
      long to = from + lengthOf(index);
      return new MiniBatch(
          new MiniBatch.Id(number, index),
          "rows " + from + " to " + (to - 1) + " of " + tensor,
          (to - from) * rowElements,
          to - from,
          followersOfLast + places() - placesUpTo(index),
          to * rowElements);
    }

    @Override
    public long count() {
      return (rows - 1) / each + 1;
    }

    @Override
    public long stride() {
      return each * rowElements;
    }

    private long lengthOf(long index) {
      return Math.min(each, rows - index * each);
    }

    /** How many have a place in the order. */
    long places() {
      return placesUpTo(count() - 1);
    }

    /** The same of the mini-batches up to one; all but the last are alike. */
    private long placesUpTo(long index) {
      long before = each * rowValues >= orderedFrom ? index : 0;
      return before + (lengthOf(index) * rowValues >= orderedFrom ? 1 : 0);
    }
  }
}
