package org.sparkbatchnorm.tensor;

/** Which axis of an array varies fastest in memory. */
public enum ElementOrder {
  /** The last axis varies fastest (C order): what almost every file holds. */
  ROW_MAJOR,
  /** The first axis varies fastest (Fortran order): npy files with {@code fortran_order: True}. */
  COLUMN_MAJOR
}
