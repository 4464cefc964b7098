package org.sparkbatchnorm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.ReaderFuzz;
import org.sparkbatchnorm.format.zip.ArchiveEntry;
import org.sparkbatchnorm.format.zip.ZipArchive;
import org.sparkbatchnorm.format.zip.ZipWriter;

/** Models near those that Keras saved, in zips with the right checksums. */
class KerasModelFuzzTest {
  private static final Path GOLDEN =
      Path.of(
          System.getProperty("basedir", ""),
          "src/test/resources/golden/keras/keras-3.15.1".split("/"));
  private static final String[] MODELS = {"sequential", "subclassed", "bfloat16"};
  private static final String[][] WORDS = {
    {"true", "false"},
    {"false", "true"},
    {"BatchNormalization", "Dense"},
    {"LayerNormalization", "BatchNormalization"},
    {"\"name\": \"", "\"name\": \"x"},
    {"{", "["},
    {"0.001", "1e999"}
  };

  private static byte[][] configs;
  private static byte[][] weights;

  @BeforeAll
  static void readGolden() throws IOException {
    configs = new byte[MODELS.length][];
    weights = new byte[MODELS.length][];
    for (int i = 0; i < MODELS.length; i++) {
      ReadableBytes file =
          ReadableBytes.of("golden", Files.readAllBytes(GOLDEN.resolve(MODELS[i] + ".keras")));
      ZipArchive archive = ZipArchive.read(file);
      configs[i] = content(archive, "config.json");
      weights[i] = content(archive, "model.weights.h5");
    }
  }

  private static byte[] content(ZipArchive archive, String name) throws IOException {
    ArchiveEntry entry = archive.entry(name).orElseThrow();
    byte[] bytes = new byte[(int) entry.size()];
    try (ReadableBytes content = archive.open(entry)) {
      content.readFully(0, bytes, 0, bytes.length);
    }
    return bytes;
  }

  @Test
  void wholeModels() {
    ReaderFuzz.run("keras", KerasModelFuzzTest::mutant, file -> check("m.keras", file));
  }

  @Test
  void weightsAlone() {
    ReaderFuzz.run(
        "weights.h5",
        random -> mutantWeights(random, random.nextInt(MODELS.length)),
        file -> check("m.weights.h5", file));
  }

  private static byte[] mutant(Random random) {
    int model = random.nextInt(MODELS.length);
    ZipWriter zip = new ZipWriter();
    zip.add("config.json", mutantConfig(random, model));
    zip.add("model.weights.h5", mutantWeights(random, model));
    byte[] file = zip.toBytes();
    return random.nextInt(10) == 0 ? ReaderFuzz.withBytesMoved(file, random) : file;
  }

  private static byte[] mutantConfig(Random random, int model) {
    if (random.nextInt(4) == 0) {
      return ReaderFuzz.withBytesMoved(configs[model], random);
    }
    String text = new String(configs[model], StandardCharsets.UTF_8);
    String[] change = WORDS[random.nextInt(WORDS.length)];
    int at = text.indexOf(change[0], random.nextInt(text.length()));
    if (at >= 0) {
      text = text.substring(0, at) + change[1] + text.substring(at + change[0].length());
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] mutantWeights(Random random, int model) {
    byte[] bytes = weights[model].clone();
    ByteBuffer fields = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int changes = random.nextInt(4); changes > 0; changes--) {
      int at = random.nextInt(bytes.length / 8) * 8;
      switch (random.nextInt(3)) {
        case 0 -> bytes[at + random.nextInt(8)] ^= (byte) (1 << random.nextInt(8));
        case 1 -> fields.putLong(at, fields.getLong(random.nextInt(bytes.length / 8) * 8));
        default -> fields.putShort(at, (short) random.nextInt(64));
      }
    }
    return bytes;
  }

  private static void check(String name, ReadableBytes file) throws IOException {
    Checkpoint checkpoint = Model.decode(ModelFormat.KERAS, named(name, file));
    assertThat(checkpoint.layers()).isNotEmpty();
    for (CheckpointLayer layer : checkpoint.layers().values()) {
      assertThat(layer.variance()).hasSize(layer.channels());
      assertThat(List.of(layer.meanOffset(), layer.varianceOffset()))
          .allSatisfy(offset -> assertThat(offset).isBetween(0L, file.length()));
    }
  }

  private static ReadableBytes named(String name, ReadableBytes file) throws IOException {
    byte[] bytes = new byte[(int) file.length()];
    file.readFully(0, bytes, 0, bytes.length);
    return ReadableBytes.of(name, bytes);
  }
}
