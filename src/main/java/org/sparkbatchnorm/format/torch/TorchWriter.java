package org.sparkbatchnorm.format.torch;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.sparkbatchnorm.format.MetadataJson;
import org.sparkbatchnorm.format.zip.ZipWriter;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/**
 * A small file as {@code torch.save} writes them, put together in memory: a plain dict of tensors,
 * each with a storage of its own, in the order added. It loads with {@code torch.load(...,
 * weights_only=True)}. The same calls give the same bytes. It refuses what {@link TorchFile} would
 * refuse. Not thread-safe.
 *
 * <p>A dict and not an OrderedDict, because libtorch's own loader returns nothing for that.
 * Metadata cannot stand in it: {@code load_state_dict} takes every key for a parameter. They are a
 * record of their own, which PyTorch passes over.
 */
public final class TorchWriter {
  private static final String FOLDER = "archive/";
  private static final int PROTOCOL = 2;

  /** Each takes less than 30 of the values that {@link Pickle} keeps at most. */
  private static final int MAX_TENSORS = 60_000;

  private final Map<String, String> metadata = new TreeMap<>();
  private final Set<String> names = new HashSet<>();
  private final List<byte[]> storages = new ArrayList<>();
  private final ByteArrayOutputStream pickle = new ByteArrayOutputStream();

  /** A writer of a file without tensors. */
  public TorchWriter() {
    opcodes(Opcode.PROTO, PROTOCOL, Opcode.EMPTY_DICT, Opcode.MARK);
  }

  /** Adds a string to the metadata, or replaces it. */
  public void addMetadata(String key, String value) {
    metadata.put(key, value);
  }

  /**
   * Adds a tensor.
   *
   * @param name its key, unlike any other
   * @param littleEndianBytes its elements, row-major; copied
   * @throws IllegalArgumentException if the name is taken, has more than 65,536 bytes or holds a
   *     lone surrogate, there are 60,000 tensors already, the dtype is one that PyTorch has no
   *     class of storages for (U16, U32), or the number of bytes is not that of dtype and shape
   */
  public void addTensor(String name, DType dtype, Shape shape, byte[] littleEndianBytes) {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    if (utf8.length > Pickle.LONGEST_NAME
        || !name.equals(new String(utf8, StandardCharsets.UTF_8))) {
      throw new IllegalArgumentException(
          "a name of " + utf8.length + " bytes, or with a lone surrogate, cannot be a key");
    }
    if (!names.add(name)) {
      throw new IllegalArgumentException("the name '" + name + "' is taken");
    }
    if (storages.size() == MAX_TENSORS) {
      throw new IllegalArgumentException("more than " + MAX_TENSORS + " tensors in one file");
    }
    long expected = Math.multiplyExact(shape.elements(), dtype.bytes());
    if (littleEndianBytes.length != expected) {
      throw new IllegalArgumentException(
          "'%s' of dtype %s and shape %s takes %d bytes, but there are %d"
              .formatted(name, dtype, shape, expected, littleEndianBytes.length));
    }
    text(utf8);
    global(KnownGlobals.TENSOR_V2);
    opcodes(Opcode.MARK, Opcode.MARK);
    text("storage");
    global("torch." + TorchType.storageOf(dtype) + "Storage");
    text(Integer.toString(storages.size()));
    text("cpu");
    integer(shape.elements());
    opcodes(Opcode.TUPLE, Opcode.BINPERSID);
    integer(0);
    integers(shape.dimensions());
    integers(strides(shape));
    opcodes(Opcode.NEWFALSE);
    global(KnownGlobals.ORDERED_DICT);
    opcodes(Opcode.EMPTY_TUPLE, Opcode.REDUCE, Opcode.TUPLE, Opcode.REDUCE);
    storages.add(littleEndianBytes.clone());
  }

  private static long[] strides(Shape shape) {
    long[] strides = new long[shape.rank()];
    for (int axis = 0; axis < strides.length; axis++) {
      strides[axis] = shape.elements(axis + 1, shape.rank());
    }
    return strides;
  }

  /**
   * The file.
   *
   * @throws IllegalArgumentException if metadata hold a lone surrogate, or more than 16 MiB
   * @throws IllegalStateException if it would exceed 2^31 - 1 bytes
   */
  public byte[] toBytes() {
    ZipWriter zip = new ZipWriter();
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    whole.writeBytes(pickle.toByteArray());
    whole.write(Opcode.SETITEMS);
    whole.write(Opcode.STOP);
    zip.add(FOLDER + TorchArchive.PICKLE, whole.toByteArray());
    zip.add(FOLDER + TorchArchive.BYTE_ORDER, ascii(TorchArchive.LITTLE_ENDIAN));
    for (int i = 0; i < storages.size(); i++) {
      zip.add(FOLDER + TorchArchive.STORAGES + i, storages.get(i));
    }
    zip.add(FOLDER + TorchArchive.VERSION, ascii("3\n"));
    if (!metadata.isEmpty()) {
      byte[] json = MetadataJson.write(metadata);
      if (json.length > MetadataJson.MAX_BYTES) {
        throw new IllegalArgumentException(
            json.length + " bytes of metadata, expected at most " + MetadataJson.MAX_BYTES);
      }
      zip.add(FOLDER + TorchArchive.METADATA, json);
    }
    return zip.toBytes();
  }

  private void opcodes(int... opcodes) {
    for (int opcode : opcodes) {
      pickle.write(opcode);
    }
  }

  /** A global, as its module and its name, the last part, on a line each. */
  private void global(String name) {
    int dot = name.lastIndexOf('.');
    pickle.write(Opcode.GLOBAL);
    pickle.writeBytes(ascii(name.substring(0, dot) + "\n" + name.substring(dot + 1) + "\n"));
  }

  private void text(String ascii) {
    text(ascii(ascii));
  }

  private void text(byte[] utf8) {
    pickle.write(Opcode.BINUNICODE);
    littleEndian(utf8.length, Integer.BYTES);
    pickle.writeBytes(utf8);
  }

  private void integers(long[] values) {
    pickle.write(Opcode.MARK);
    for (long value : values) {
      integer(value);
    }
    pickle.write(Opcode.TUPLE);
  }

  /** An integer of at least 0. */
  private void integer(long value) {
    if (value < 256) {
      opcodes(Opcode.BININT1, (int) value);
    } else if (value <= Integer.MAX_VALUE) {
      pickle.write(Opcode.BININT);
      littleEndian(value, Integer.BYTES);
    } else {
      opcodes(Opcode.LONG1, Long.BYTES);
      littleEndian(value, Long.BYTES);
    }
  }

  private void littleEndian(long value, int bytes) {
    for (int i = 0; i < bytes; i++) {
      pickle.write((int) (value >>> (i * Byte.SIZE)));
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
