package org.sparkbatchnorm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.ReaderFuzz;
import org.sparkbatchnorm.format.safetensors.SafetensorsWriter;
import org.sparkbatchnorm.tensor.DType;
import org.sparkbatchnorm.tensor.Shape;

/** Files with all sorts of tensors. What is accepted can be written, and parameters asked for. */
class SafetensorsCheckpointFuzzTest {
  private static final String[] LAYERS = {"", "bn.", "bn.", "bn/", "a.bn.", "."};
  private static final String[] ROLES = {
    "running_mean",
    "running_var",
    "moving_mean",
    "moving_variance",
    "weight",
    "bias",
    "gamma",
    "beta",
    "num_batches_tracked"
  };

  private static final List<DType> TYPES =
      List.of(DType.F64, DType.F32, DType.F16, DType.BF16, DType.I64, DType.U8);

  @Test
  void readerOnlyEverAcceptsOrRejects() {
    ReaderFuzz.run(
        "checkpoint", SafetensorsCheckpointFuzzTest::mutant, SafetensorsCheckpointFuzzTest::check);
  }

  private static byte[] mutant(Random random) {
    SafetensorsWriter writer = new SafetensorsWriter();
    String layer = LAYERS[random.nextInt(LAYERS.length)];
    add(writer, layer + "running_mean", random);
    add(writer, layer + "running_var", random);
    for (int i = random.nextInt(4); i > 0; i--) {
      String name = LAYERS[random.nextInt(LAYERS.length)] + ROLES[random.nextInt(ROLES.length)];
      try {
        add(writer, name, random);
      } catch (IllegalArgumentException e) {
        assertThat(e).hasMessageContaining("is taken");
      }
    }
    if (random.nextInt(4) == 0) {
      writer.addMetadata(MetadataKeys.EPSILON, ReaderFuzz.awkwardNumber(random));
    }
    byte[] file = writer.toBytes();
    return random.nextInt(3) == 0 ? ReaderFuzz.withBytesMoved(file, random) : file;
  }

  private static void add(SafetensorsWriter writer, String name, Random random) {
    boolean awkward = random.nextInt(10) == 0;
    DType dtype =
        name.endsWith("tracked")
            ? DType.I64
            : TYPES.get(random.nextInt(awkward ? TYPES.size() : 4));
    Shape shape =
        name.endsWith("tracked") ? Shape.of() : awkward ? Shape.of(random.nextInt(4)) : Shape.of(2);
    byte[] bytes = new byte[(int) shape.elements() * dtype.bytes()];
    random.nextBytes(bytes);
    writer.addTensor(name, dtype, shape, bytes);
  }

  private static void check(ReadableBytes file) throws IOException {
    Checkpoint checkpoint = SafetensorsCheckpoint.decode(file);
    byte[] written = SafetensorsCheckpoint.encode(checkpoint, DType.F64);
    Checkpoint again = SafetensorsCheckpoint.decode(ReadableBytes.of("written", written));
    assertThat(again.layers().keySet()).containsExactlyElementsOf(checkpoint.layers().keySet());
    for (String layer : checkpoint.layers().keySet()) {
      try {
        double epsilon = checkpoint.epsilon().orElse(1e-5);
        for (double variance : checkpoint.parameters(layer, epsilon).variance()) {
          assertThat(variance >= 0).as("%s", variance).isTrue();
        }
      } catch (MalformedFileException e) {
        assertThat(e.code()).isIn("VARIANCE", "MEAN", "METADATA");
      }
    }
  }
}
