package org.sparkbatchnorm.job;

import static org.apache.spark.sql.functions.array;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileUtil;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.sparkbatchnorm.format.npy.NpyHeader;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.ElementOrder;
import org.sparkbatchnorm.tensor.Shape;

/**
 * Files of {@link GeneratedRows} below a folder, made when first asked for and kept: a second
 * benchmark in the same folder finds them. A set is a folder of hard links to a pool of files. The
 * pool of safetensors and npy files is as large as the largest set; as Spark takes its time to
 * write Parquet, that pool has only {@value #PARQUET_POOL} files, and larger sets hold each of them
 * under several names, which is the same to who reads.
 */
final class BenchmarkFiles {
  private static final int PARQUET_POOL = 2;
  private static final String LAYER = "bn1";
  private static final int HEADER_ALIGNMENT = 64;

  private final Path folder;
  private final SparkSession session;

  /**
   * Files below a folder.
   *
   * @param session that writes Parquet
   */
  BenchmarkFiles(Path folder, SparkSession session) {
    this.folder = folder;
    this.session = session;
  }

  /** What rows are stored in. Parquet has a row to a tensor, the others one tensor to a file. */
  enum Form {
    SAFETENSORS("safetensors", InputFormat.SAFETENSORS),
    NPY("npy", InputFormat.NPY),
    PARQUET_FLOATS("parquet array<float>", InputFormat.PARQUET),
    PARQUET_BINARY("parquet binary", InputFormat.PARQUET),
    SNAPPY_FLOATS("snappy array<float>", InputFormat.PARQUET),
    SNAPPY_BINARY("snappy binary", InputFormat.PARQUET);

    private final String display;
    private final InputFormat format;

    Form(String display, InputFormat format) {
      this.display = display;
      this.format = format;
    }

    String display() {
      return display;
    }

    InputFormat format() {
      return format;
    }

    private boolean isBinary() {
      return this == PARQUET_BINARY || this == SNAPPY_BINARY;
    }

    private String compression() {
      return this == SNAPPY_FLOATS || this == SNAPPY_BINARY ? "snappy" : "uncompressed";
    }
  }

  /**
   * A folder of files.
   *
   * @param form of all of them
   * @param folder which holds nothing else
   * @param files in the order of their names
   * @param bytes of the values in them
   */
  record FileSet(Form form, Path folder, List<Path> files, long bytes) {}

  /** A set of so many files, each of so many rows. */
  FileSet set(Form form, int files, int rowsPerFile) throws IOException {
    String name = form.name().toLowerCase(Locale.ROOT) + "-" + rowsPerFile + "-rows";
    int pooled = form.format() == InputFormat.PARQUET ? PARQUET_POOL : files;
    List<Path> pool = new ArrayList<>();
    for (int i = 0; i < pooled; i++) {
      pool.add(folder.resolve(name).resolve(fileName(form, i)));
    }
    if (!pool.stream().allMatch(Files::exists)) {
      Files.createDirectories(folder.resolve(name));
      if (form.format() == InputFormat.PARQUET) {
        writeParquet(form, rowsPerFile, pool);
      } else {
        for (Path file : pool) {
          writeShard(form, rowsPerFile, file);
        }
      }
    }
    Path linked = folder.resolve(name + "-" + files + "-files");
    Path layer = Files.createDirectories(linked.resolve(LAYER));
    List<Path> links = new ArrayList<>();
    for (int i = 0; i < files; i++) {
      Path link = layer.resolve(fileName(form, i));
      if (!Files.exists(link)) {
        Files.createLink(link, pool.get(i % pooled));
      }
      links.add(link);
    }
    return new FileSet(form, linked, links, (long) files * rowsPerFile * GeneratedRows.ROW_BYTES);
  }

  private static String fileName(Form form, int number) {
    return String.format(Locale.ROOT, "%04d.%s", number, form.format().word());
  }

  /** Written to the end before it has its name, and to the disk, so that this is over with. */
  private static void writeShard(Form form, int rows, Path file) throws IOException {
    if (Files.exists(file)) {
      return;
    }
    Path unfinished = file.resolveSibling("unfinished");
    try (FileChannel channel =
        FileChannel.open(
            unfinished,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      String name = file.getFileName().toString().split("\\.", -1)[0];
      channel.write(
          ByteBuffer.wrap(
              form == Form.NPY ? npyHeader(rows) : safetensorsHeader(LAYER + "/" + name, rows)));
      GeneratedRows.write(rows, channel);
      channel.force(false);
    }
    Files.move(unfinished, file);
  }

  private static Shape shape(int rows) {
    return Shape.of(rows, GeneratedRows.CHANNELS, GeneratedRows.HEIGHT, GeneratedRows.HEIGHT);
  }

  private static byte[] npyHeader(int rows) {
    return NpyHeader.of(DType.F32, ByteOrder.LITTLE_ENDIAN, ElementOrder.ROW_MAJOR, shape(rows))
        .toBytes();
  }

  /** By hand, as the program's own writer keeps a whole file in memory. */
  private static byte[] safetensorsHeader(String name, int rows) {
    String json =
        String.format(
            Locale.ROOT,
            "{\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[0,%d]}}",
            name,
            shape(rows),
            (long) rows * GeneratedRows.ROW_BYTES);
    byte[] ascii = json.getBytes(StandardCharsets.US_ASCII);
    int end = (Long.BYTES + ascii.length + HEADER_ALIGNMENT - 1) / HEADER_ALIGNMENT;
    byte[] header = new byte[end * HEADER_ALIGNMENT];
    ByteBuffer bytes = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length - Long.BYTES).put(ascii);
    while (bytes.hasRemaining()) {
      bytes.put((byte) ' ');
    }
    return header;
  }

  private void writeParquet(Form form, int rowsPerFile, List<Path> pool) throws IOException {
    Dataset<Long> rows = session.range(0, (long) rowsPerFile * pool.size(), 1, pool.size());
    Dataset<?> data =
        form.isBinary()
            ? rows.map(
                (MapFunction<Long, byte[]>) GeneratedRows::littleEndianBytes, Encoders.BINARY())
            : rows.map(
                (MapFunction<Long, float[]>) GeneratedRows::floats,
                session.implicits().newFloatArrayEncoder());
    Path unfinished = pool.get(0).resolveSibling("unfinished");
    data.select(
            lit(LAYER).as("layer"),
            array(
                    lit(1),
                    lit(GeneratedRows.CHANNELS),
                    lit(GeneratedRows.HEIGHT),
                    lit(GeneratedRows.HEIGHT))
                .as("shape"),
            lit("F32").as("dtype"),
            col("value").as("data"))
        .write()
        .mode("overwrite")
        .option("compression", form.compression())
        .parquet(unfinished.toString());
    List<Path> parts;
    try (Stream<Path> files = Files.list(unfinished)) {
      parts = files.filter(file -> file.toString().endsWith(".parquet")).sorted().toList();
    }
    if (parts.size() != pool.size()) {
      throw new IllegalStateException(
          parts.size() + " files, but " + pool.size() + " were asked for");
    }
    for (int i = 0; i < pool.size(); i++) {
      Files.move(parts.get(i), pool.get(i));
    }
    FileUtil.fullyDelete(unfinished.toFile());
  }
}
