package org.sparkbatchnorm.format.npy;

import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.sparkbatchnorm.tensor.DType;

/**
 * numpy's word for an element type: byte order, kind and size, as in {@code <f4}. {@code =} is the
 * order of the machine that wrote, which cannot be known and is taken for little-endian; {@code |}
 * is for elements of one byte.
 *
 * @param dtype type of the elements
 * @param byteOrder little-endian where an element is one byte
 */
record Descr(DType dtype, ByteOrder byteOrder) {
  /** Which words are understood. */
  enum Vocabulary {
    NUMBERS,
    /** Numbers, and truth values as numbers of one byte. */
    NUMBERS_AND_BOOLEANS,
    /** All of numpy's for elements of a fixed size; a meaning only have those of NUMBERS. */
    ANY;

    /** Whether this word is one of these. */
    boolean knows(String word) {
      return parse(word).isPresent() || (this == ANY && OTHERS.matcher(word).matches());
    }

    /** The words, without byte order, for messages. */
    String words() {
      return (this == NUMBERS_AND_BOOLEANS ? BOOLEAN + ", " : "")
          + String.join(", ", TYPES.keySet());
    }

    /** What this word says, if it has a meaning among these. */
    Optional<Descr> parse(String word) {
      boolean isBoolean = word.equals("|" + BOOLEAN) && this == NUMBERS_AND_BOOLEANS;
      return Descr.parse(isBoolean ? "|u1" : word);
    }
  }

  private static final String BOOLEAN = "b1";

  /** Truths, numbers that are wide, long or complex, texts, times: what numpy has besides. */
  private static final Pattern OTHERS =
      Pattern.compile(
          "[<>=|]?(b1|u8|c8|c16|c24|c32|f12|f16|[US][0-9]{1,9}|[mM]8(\\[[^\\[\\]]*])?)");

  private static final Map<String, DType> TYPES =
      new TreeMap<>(
          Map.of(
              "f2", DType.F16,
              "f4", DType.F32,
              "f8", DType.F64,
              "i1", DType.I8,
              "i2", DType.I16,
              "i4", DType.I32,
              "i8", DType.I64,
              "u1", DType.U8,
              "u2", DType.U16,
              "u4", DType.U32));

  private static Optional<Descr> parse(String word) {
    DType dtype = word.isEmpty() ? null : TYPES.get(word.substring(1));
    if (dtype == null) {
      return Optional.empty();
    }
    boolean oneByte = dtype.bytes() == 1;
    return switch (word.charAt(0)) {
      case '<', '=' -> Optional.of(new Descr(dtype, ByteOrder.LITTLE_ENDIAN));
      case '>' ->
          Optional.of(new Descr(dtype, oneByte ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN));
      case '|' ->
          oneByte ? Optional.of(new Descr(dtype, ByteOrder.LITTLE_ENDIAN)) : Optional.empty();
      default -> Optional.empty();
    };
  }

  /** Whether this word means Python objects, which are pickled. */
  static boolean isObject(String word) {
    return word.matches("[<>=|]?O[0-9]*");
  }

  /**
   * The word for a type.
   *
   * @throws IllegalArgumentException if numpy has none
   */
  static String of(DType dtype, ByteOrder byteOrder) {
    for (Map.Entry<String, DType> type : TYPES.entrySet()) {
      if (type.getValue() == dtype) {
        String order = dtype.bytes() == 1 ? "|" : byteOrder == ByteOrder.BIG_ENDIAN ? ">" : "<";
        return order + type.getKey();
      }
    }
    throw new IllegalArgumentException(
        dtype + " has no npy type, expected one of " + String.join(", ", TYPES.keySet()));
  }
}
