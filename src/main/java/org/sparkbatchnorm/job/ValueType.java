package org.sparkbatchnorm.job;

import java.io.Serializable;
import java.util.Optional;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.sparkbatchnorm.format.parquet.ParquetColumn;
import org.sparkbatchnorm.tensor.DType;

/**
 * How the rows of a table hold their values.
 *
 * @param elements what they are
 * @param depth in how many arrays they are; 0 for bytes
 */
record ValueType(Elements elements, int depth) implements Serializable {
  private static final long serialVersionUID = 1L;

  /** What values are. */
  enum Elements {
    FLOAT,
    DOUBLE,
    /** Little-endian bytes of the type that the column {@code dtype} names. */
    BINARY
  }

  /** What a column of this type holds; empty if it cannot be used. */
  static Optional<ValueType> of(DataType type) {
    if (type.equals(DataTypes.BinaryType)) {
      return Optional.of(new ValueType(Elements.BINARY, 0));
    }
    DataType inner = type;
    int depth = 0;
    while (inner instanceof ArrayType array) {
      inner = array.elementType();
      depth++;
    }
    if (depth == 0) {
      return Optional.empty();
    }
    if (inner.equals(DataTypes.FloatType)) {
      return Optional.of(new ValueType(Elements.FLOAT, depth));
    }
    return inner.equals(DataTypes.DoubleType)
        ? Optional.of(new ValueType(Elements.DOUBLE, depth))
        : Optional.empty();
  }

  /** What a column of a Parquet file holds. */
  static ValueType of(ParquetColumn column) {
    return new ValueType(
        column
            .dtype()
            .map(dtype -> dtype == DType.F32 ? Elements.FLOAT : Elements.DOUBLE)
            .orElse(Elements.BINARY),
        column.depth());
  }

  boolean isBinary() {
    return elements == Elements.BINARY;
  }

  /** The type of each value; empty if every row has its own. */
  Optional<DType> dtype() {
    return switch (elements) {
      case FLOAT -> Optional.of(DType.F32);
      case DOUBLE -> Optional.of(DType.F64);
      case BINARY -> Optional.empty();
    };
  }

  /** In SQL. */
  @Override
  public String toString() {
    return "ARRAY<".repeat(depth) + elements + ">".repeat(depth);
  }
}
