package org.sparkbatchnorm.job;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.format.safetensors.SafetensorsWriter;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Elements;
import org.sparkbatchnorm.tensor.Shape;

/** Tensors that a test makes up, and writes in any of the formats. */
final class Activations {
  /** As in the schema that a user of Spark's deep-learning convention has. */
  static final StructType SCHEMA =
      new StructType()
          .add("layer", DataTypes.StringType)
          .add("shape", DataTypes.createArrayType(DataTypes.IntegerType))
          .add("data", DataTypes.createArrayType(DataTypes.FloatType));

  /** The same with the key of the mini-batch in a column of its own. */
  static final StructType SCHEMA_WITH_KEYS =
      new StructType()
          .add("layer", DataTypes.StringType)
          .add("batch", DataTypes.StringType)
          .add("shape", DataTypes.createArrayType(DataTypes.IntegerType))
          .add("data", DataTypes.createArrayType(DataTypes.FloatType));

  private final List<Tensor> tensors = new ArrayList<>();
  private final Map<String, String> metadata = new TreeMap<>();

  /** Row-major values under a whole name, such as {@code bn/0}. */
  private static final class Tensor {
    private final String name;
    private final DType dtype;
    private final long[] shape;
    private final double[] values;

    Tensor(String name, DType dtype, long[] shape, double[] values) {
      this.name = name;
      this.dtype = dtype;
      this.shape = shape;
      this.values = values;
    }

    int rowElements() {
      return (int) (values.length / shape[0]);
    }

    Tensor row(int row) {
      return rows(row, row + 1);
    }

    Tensor rows(int from, int to) {
      long[] some = shape.clone();
      some[0] = (long) to - from;
      int each = rowElements();
      return new Tensor(name, dtype, some, Arrays.copyOfRange(values, from * each, to * each));
    }

    String layer() {
      return name.replaceFirst("/[0-9]+$", "");
    }

    static Tensor ofRows(String name, List<Tensor> rows) {
      Tensor first = rows.get(0);
      long[] shape = first.shape.clone();
      shape[0] = rows.stream().mapToLong(row -> row.shape[0]).sum();
      double[] values = rows.stream().flatMapToDouble(row -> Arrays.stream(row.values)).toArray();
      return new Tensor(name, first.dtype, shape, values);
    }

    byte[] bytes() {
      ByteBuffer bytes =
          ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
      Elements.encode(dtype, values, values.length, bytes);
      return bytes.array();
    }
  }

  Activations add(String name, DType dtype, long[] shape, double... values) {
    tensors.add(new Tensor(name, dtype, shape, values));
    return this;
  }

  Activations addF32(String name, long[] shape, double... values) {
    return add(name, DType.F32, shape, values);
  }

  /** What the files say of how they were made. */
  Activations withMetadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  static long[] shape(long... dimensions) {
    return dimensions;
  }

  /**
   * Normal values, each channel with a mean and a deviation of its own, as float32: three layers of
   * different rank in mini-batches of different sizes.
   */
  static Activations random(long seed) {
    System.out.println("Activations.random, seed " + seed);
    Random random = new Random(seed);
    Activations made = new Activations();
    for (int batch = 0; batch < 5; batch++) {
      int rows = 3 + random.nextInt(9);
      made.addNormal("conv.bn/" + batch, random, rows, 5, 4, 3);
      made.addNormal("fc.bn/" + batch, random, rows, 7);
      made.addNormal("seq.1/" + batch, random, rows, 2, 6);
    }
    return made;
  }

  private void addNormal(String name, Random random, int... shape) {
    int elements = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    int inner = elements / shape[0] / shape[1];
    double[] values = new double[elements];
    for (int i = 0; i < elements; i++) {
      int channel = i / inner % shape[1];
      values[i] = (float) (channel * 100 + (1 + channel) * random.nextGaussian());
    }
    addF32(name, Arrays.stream(shape).asLongStream().toArray(), values);
  }

  /** The same values as another floating-point type, which must hold them. */
  Activations as(DType dtype) {
    Activations made = new Activations();
    tensors.forEach(tensor -> made.add(tensor.name, dtype, tensor.shape, tensor.values));
    return made;
  }

  /** The same tensors with the channels as their last axis. */
  Activations channelsLast() {
    Activations made = new Activations();
    for (Tensor tensor : tensors) {
      int rank = tensor.shape.length;
      int channels = (int) tensor.shape[1];
      int row = tensor.rowElements();
      long[] shape = new long[rank];
      System.arraycopy(tensor.shape, 2, shape, 1, rank - 2);
      shape[0] = tensor.shape[0];
      shape[rank - 1] = channels;
      double[] values = new double[tensor.values.length];
      for (int i = 0; i < values.length; i++) {
        int channel = i % row * channels / row;
        int position = i % (row / channels);
        values[i / row * row + position * channels + channel] = tensor.values[i];
      }
      made.add(tensor.name, tensor.dtype, shape, values);
    }
    return made;
  }

  /** The rows of each layer shuffled, and cut into other tensors. */
  Activations recut(Random random) {
    Map<String, List<Tensor>> layers = new TreeMap<>();
    for (Tensor tensor : tensors) {
      List<Tensor> rows =
          layers.computeIfAbsent(tensor.name.replaceFirst("/.*", ""), layer -> new ArrayList<>());
      for (int row = 0; row < tensor.shape[0]; row++) {
        rows.add(tensor.row(row));
      }
    }
    Activations made = new Activations();
    layers.forEach(
        (layer, rows) -> {
          Collections.shuffle(rows, random);
          for (int from = 0, to; from < rows.size(); from = to) {
            to = Math.min(rows.size(), from + 1 + random.nextInt(1 + rows.size() / 4));
            made.tensors.add(Tensor.ofRows(layer + "/" + from, rows.subList(from, to)));
          }
        });
    return made;
  }

  /** All rows of a layer as one tensor, in the order of the tensors. */
  Activations joined() {
    Map<String, List<Tensor>> layers = new TreeMap<>();
    for (Tensor tensor : tensors) {
      layers.computeIfAbsent(tensor.layer(), layer -> new ArrayList<>()).add(tensor);
    }
    Activations made = new Activations();
    layers.forEach((layer, parts) -> made.tensors.add(Tensor.ofRows(layer, parts)));
    return made;
  }

  /** The rows of every tensor cut into so many tensors of the same name, some of them empty. */
  List<Activations> parts(int count, Random random) {
    List<Activations> parts = new ArrayList<>();
    for (int part = 0; part < count; part++) {
      parts.add(new Activations());
    }
    for (Tensor tensor : tensors) {
      int[] cuts = random.ints(count + 1, 0, (int) tensor.shape[0] + 1).sorted().toArray();
      cuts[0] = 0;
      cuts[count] = (int) tensor.shape[0];
      for (int part = 0; part < count; part++) {
        parts.get(part).tensors.add(tensor.rows(cuts[part], cuts[part + 1]));
      }
    }
    return parts;
  }

  Path writeSafetensors(Path file) throws IOException {
    return write(file, safetensors(tensors));
  }

  /** Tensors dealt out to files like cards, in an order of their own. */
  void writeShards(Path folder, int files, Random random) throws IOException {
    List<Tensor> shuffled = new ArrayList<>(tensors);
    Collections.shuffle(shuffled, random);
    for (int i = 0; i < files; i++) {
      int file = i;
      List<Tensor> dealt =
          IntStream.range(0, shuffled.size())
              .filter(k -> k % files == file)
              .mapToObj(shuffled::get)
              .toList();
      write(folder.resolve("shard-" + i + ".safetensors"), safetensors(dealt));
    }
  }

  private byte[] safetensors(List<Tensor> tensors) {
    SafetensorsWriter writer = new SafetensorsWriter();
    metadata.forEach(writer::addMetadata);
    for (Tensor tensor : tensors) {
      writer.addTensor(tensor.name, tensor.dtype, Shape.of(tensor.shape), tensor.bytes());
    }
    return writer.toBytes();
  }

  /** A file for each tensor, its path the tensor's name. */
  void writeNpy(Path folder) throws IOException {
    for (Tensor tensor : tensors) {
      ByteArrayOutputStream file = new ByteArrayOutputStream();
      file.writeBytes(
          NpyHeader.of(
                  tensor.dtype,
                  ByteOrder.LITTLE_ENDIAN,
                  ElementOrder.ROW_MAJOR,
                  Shape.of(tensor.shape))
              .toBytes());
      file.writeBytes(tensor.bytes());
      write(folder.resolve(tensor.name + ".npy"), file.toByteArray());
    }
  }

  Dataset<Row> dataFrame() {
    List<Row> rows = new ArrayList<>();
    for (Tensor tensor : tensors) {
      rows.add(RowFactory.create(tensor.name, lengths(tensor), floats(tensor)));
    }
    return LocalSpark.session().createDataFrame(rows, SCHEMA);
  }

  /** The layer's name and the number in columns of their own. */
  Dataset<Row> dataFrameWithKeys() {
    List<Row> rows = new ArrayList<>();
    for (Tensor tensor : tensors) {
      String key = tensor.name.substring(tensor.name.lastIndexOf('/') + 1);
      rows.add(RowFactory.create(tensor.layer(), key, lengths(tensor), floats(tensor)));
    }
    return LocalSpark.session().createDataFrame(rows, SCHEMA_WITH_KEYS);
  }

  private static Integer[] lengths(Tensor tensor) {
    return Arrays.stream(tensor.shape).mapToObj(Math::toIntExact).toArray(Integer[]::new);
  }

  private static Float[] floats(Tensor tensor) {
    Float[] values = new Float[tensor.values.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) tensor.values[i];
    }
    return values;
  }

  private static Path write(Path file, byte[] bytes) throws IOException {
    Files.createDirectories(file.getParent());
    return Files.write(file, bytes);
  }
}
