package org.sparkbatchnorm.format.parquet;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Type.Repetition;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.tensor.DType;

/**
 * A column with one primitive leaf, in lists or not: what its levels mean. Immutable.
 *
 * <p>The repetition level of a value is the number of lists that it goes on with, so 0 begins a
 * row. The definition level counts the optional and repeated fields of the path that are there:
 * below {@code definitionOfList(d) - 1} the list at depth d is null, at it the list is empty.
 */
final class LeafColumn {
  private final ColumnDescriptor descriptor;
  private final int[] listDefinitions;
  private final int fixedBytes;

  private LeafColumn(ColumnDescriptor descriptor, int[] listDefinitions) {
    this.descriptor = descriptor;
    this.listDefinitions = listDefinitions;
    fixedBytes =
        physicalType() == PrimitiveTypeName.FIXED_LEN_BYTE_ARRAY
            ? descriptor.getPrimitiveType().getTypeLength()
            : dtype().map(DType::bytes).orElse(0);
  }

  /**
   * The column of this name, or if there is none the one whose name differs in case; empty if there
   * is none either.
   *
   * @throws MalformedFileException if it is no number or binary, or lists of numbers
   */
  static Optional<LeafColumn> of(String file, MessageType schema, String name)
      throws MalformedFileException {
    Type column = field(schema, name);
    if (column == null) {
      return Optional.empty();
    }
    List<String> path = new ArrayList<>();
    List<Integer> listDefinitions = new ArrayList<>();
    int definition = 0;
    Type field = column;
    while (true) {
      path.add(field.getName());
      definition += field.isRepetition(Repetition.REQUIRED) ? 0 : 1;
      if (field.isRepetition(Repetition.REPEATED)) {
        listDefinitions.add(definition);
      }
      if (field.isPrimitive()) {
        break;
      }
      if (field.asGroupType().getFieldCount() != 1) {
        throw unusable(file, column);
      }
      field = field.asGroupType().getType(0);
    }
    LeafColumn leaf =
        new LeafColumn(
            schema.getColumnDescription(path.toArray(String[]::new)),
            listDefinitions.stream().mapToInt(Integer::intValue).toArray());
    boolean usable =
        leaf.depth() == 0 ? leaf.dtype().isEmpty() && leaf.isBinary() : leaf.dtype().isPresent();
    if (!usable) {
      throw unusable(file, column);
    }
    return Optional.of(leaf);
  }

  private static Type field(MessageType schema, String name) {
    if (schema.containsField(name)) {
      return schema.getType(name);
    }
    for (Type field : schema.getFields()) {
      if (field.getName().equalsIgnoreCase(name)) {
        return field;
      }
    }
    return null;
  }

  private static MalformedFileException unusable(String file, Type column) {
    return new MalformedFileException(
        file,
        MalformedFileException.NO_OFFSET,
        "DTYPE",
        "column "
            + column.getName()
            + " is "
            + column.toString().replaceAll("\\s+", " ")
            + ", but lists of float or double, or binary are expected");
  }

  ColumnDescriptor descriptor() {
    return descriptor;
  }

  /** In how many lists a value is: the largest repetition level. */
  int depth() {
    return listDefinitions.length;
  }

  /** The definition level of a value. */
  int maxDefinition() {
    return descriptor.getMaxDefinitionLevel();
  }

  /** The definition level from which on a list at this depth has an entry. */
  int definitionOfList(int depth) {
    return listDefinitions[depth];
  }

  /** The type of the elements of lists; empty for a binary. */
  Optional<DType> dtype() {
    return switch (physicalType()) {
      case FLOAT -> Optional.of(DType.F32);
      case DOUBLE -> Optional.of(DType.F64);
      default -> Optional.empty();
    };
  }

  /** Bytes of a value that all have the same size, or 0. */
  int fixedBytes() {
    return fixedBytes;
  }

  boolean isBinary() {
    return physicalType() == PrimitiveTypeName.BINARY
        || physicalType() == PrimitiveTypeName.FIXED_LEN_BYTE_ARRAY;
  }

  private PrimitiveTypeName physicalType() {
    return descriptor.getPrimitiveType().getPrimitiveTypeName();
  }
}
