package org.sparkbatchnorm.format.torch;

import java.util.Optional;
import org.sparkbatchnorm.format.zip.ArchiveEntry;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/** Where a tensor of a state dict stands in its file. Its bytes are little-endian. Immutable. */
public final class TorchTensor {
  private final String name;
  private final TorchType type;
  private final Shape shape;
  private final long[] strides;
  private final ArchiveEntry storage;
  private final long firstElement;
  private final boolean shared;

  TorchTensor(
      String name,
      TorchType type,
      Shape shape,
      long[] strides,
      ArchiveEntry storage,
      long firstElement,
      boolean shared) {
    this.name = name;
    this.type = type;
    this.shape = shape;
    this.strides = strides;
    this.storage = storage;
    this.firstElement = firstElement;
    this.shared = shared;
  }

  /** Its key in the state dict: any text. */
  public String name() {
    return name;
  }

  /** The type of its elements, unless it is one that is not computed with. */
  public Optional<DType> dtype() {
    return type.dtype();
  }

  /** Whether its values are fractions, complex ones and those of few bits included. */
  public boolean isFloating() {
    return type.isFloating();
  }

  /** Bytes of one element. */
  public int elementBytes() {
    return type.bytes();
  }

  public Shape shape() {
    return shape;
  }

  /** For each axis, how many elements further its next one is: 0 or more; a fresh array. */
  public long[] strides() {
    return strides.clone();
  }

  /** Whether its elements lie one after the other, the last axis fastest. */
  public boolean isContiguous() {
    long expected = 1;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      if (shape.dimension(axis) > 1 && strides[axis] != expected) {
        return shape.elements() == 0;
      }
      expected *= shape.dimension(axis);
    }
    return true;
  }

  /** The entry of the archive that holds it, among others perhaps. */
  public ArchiveEntry storage() {
    return storage;
  }

  /** Offset in the file of its first element (for an empty one, of where that would be). */
  public long offset() {
    return storage.dataOffset() + firstElement * type.bytes();
  }

  /**
   * Whether something else in the pickle uses the same storage: another tensor, or the same one in
   * another place.
   */
  public boolean isShared() {
    return shared;
  }

  @Override
  public String toString() {
    return name + " " + type.word() + " " + shape;
  }
}
