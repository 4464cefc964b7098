package org.sparkbatchnorm.format.torch;

import java.util.Arrays;
import java.util.Optional;
import org.sparkbatchnorm.tensor.DType;

/** The element types of PyTorch 2.15, by the names of its types and of its classes of storages. */
enum TorchType {
  FLOAT64("float64", "Double", 8, DType.F64),
  FLOAT32("float32", "Float", 4, DType.F32),
  FLOAT16("float16", "Half", 2, DType.F16),
  BFLOAT16("bfloat16", "BFloat16", 2, DType.BF16),
  INT64("int64", "Long", 8, DType.I64),
  INT32("int32", "Int", 4, DType.I32),
  INT16("int16", "Short", 2, DType.I16),
  INT8("int8", "Char", 1, DType.I8),
  UINT8("uint8", "Byte", 1, DType.U8),
  UINT16("uint16", "", 2, DType.U16),
  UINT32("uint32", "", 4, DType.U32),
  UINT64("uint64", "", 8, null),
  BOOL("bool", "Bool", 1, null),
  COMPLEX64("complex64", "ComplexFloat", 8, null),
  COMPLEX128("complex128", "ComplexDouble", 16, null),
  COMPLEX32("complex32", "", 4, null),
  FLOAT8_E4M3FN("float8_e4m3fn", "", 1, null),
  FLOAT8_E4M3FNUZ("float8_e4m3fnuz", "", 1, null),
  FLOAT8_E5M2("float8_e5m2", "", 1, null),
  FLOAT8_E5M2FNUZ("float8_e5m2fnuz", "", 1, null),
  FLOAT8_E8M0FNU("float8_e8m0fnu", "", 1, null),
  FLOAT4_E2M1FN_X2("float4_e2m1fn_x2", "", 1, null);

  private static final String UNTYPED = "Untyped";

  private final String word;
  private final String storage;
  private final int bytes;
  private final DType dtype;

  TorchType(String word, String storage, int bytes, DType dtype) {
    this.word = word;
    this.storage = storage;
    this.bytes = bytes;
    this.dtype = dtype;
  }

  static Optional<TorchType> ofDtype(String word) {
    return Arrays.stream(values()).filter(type -> type.word.equals(word)).findFirst();
  }

  /** The type of {@code torch.WORDStorage}; an untyped storage counts its bytes. */
  static Optional<TorchType> ofStorage(String word) {
    if (word.equals(UNTYPED)) {
      return Optional.of(UINT8);
    }
    return word.isEmpty()
        ? Optional.empty()
        : Arrays.stream(values()).filter(type -> type.storage.equals(word)).findFirst();
  }

  /**
   * The name of the class of storages of this type.
   *
   * @throws IllegalArgumentException if there is none, which is so for types of PyTorch 2.3 and
   *     later
   */
  static String storageOf(DType dtype) {
    return Arrays.stream(values())
        .filter(type -> type.dtype == dtype && !type.storage.isEmpty())
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(dtype + " has no storage in PyTorch"))
        .storage;
  }

  /** As PyTorch writes it. */
  String word() {
    return word;
  }

  /** Bytes of one element. */
  int bytes() {
    return bytes;
  }

  /** The type as we compute with it. */
  Optional<DType> dtype() {
    return Optional.ofNullable(dtype);
  }

  /** Whether its values are fractions, of few bits or complex. */
  boolean isFloating() {
    return dtype == null ? this != UINT64 && this != BOOL : dtype.isFloating();
  }
}
