package org.sparkbatchnorm.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.format.safetensors.SafetensorsHeader;
import org.sparkbatchnorm.tensor.DType;

/** Checkpoints written and read back, byte for byte. */
class SafetensorsCheckpointTest {
  private static final Map<String, String> METADATA =
      Map.of(MetadataKeys.VERSION, "0.1.0", MetadataKeys.EPSILON, "1e-05");

  @Test
  void bytesAreThese() {
    byte[] file = SafetensorsCheckpoint.encode(checkpoint(), DType.F32);
    // torch 2.15.0 and safetensors 0.8.0 load such a file, without the bare layer, by
    // load_state_dict(load_file(...), strict=True), in all four dtypes.
    String header =
        "{\"__metadata__\":{\"format\":\"pt\",\"spark-batchnorm.epsilon\":\"1e-05\","
            + "\"spark-batchnorm.version\":\"0.1.0\"},"
            + "\"bn1.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
            + "\"bn1.weight\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]},"
            + "\"bn1.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[16,24]},"
            + "\"bn1.running_mean\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
            + "\"bn1.running_var\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[32,40]},"
            + "\"running_mean\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[40,44]},"
            + "\"running_var\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[44,48]}}";
    int headerBytes = (header.length() + 7) / 8 * 8;
    String data =
        "0700000000000000" // 7
            + "0000803f00000040" // 1, 2
            + "0000004000004040" // 2, 3
            + "cdcccc3d000000c0" // 0.1 rounded up, -2
            + "0000803e0000c07f" // 0.25, NaN
            + "00004040" // 3
            + "00008040"; // 4
    assertThat(ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong())
        .isEqualTo(headerBytes);
    assertThat(new String(file, 8, headerBytes, StandardCharsets.UTF_8).stripTrailing())
        .isEqualTo(header);
    assertThat(HexFormat.of().formatHex(file, 8 + headerBytes, file.length)).isEqualTo(data);
  }

  @ParameterizedTest
  @EnumSource(names = {"F64", "F32", "F16", "BF16"})
  void whatIsWrittenReadsBackRoundedOnce(DType dtype) throws IOException {
    byte[] file = SafetensorsCheckpoint.encode(checkpoint(), dtype);
    Checkpoint read = SafetensorsCheckpoint.decode(ReadableBytes.of("x", file));

    assertThat(read.layers().keySet()).containsExactly("bn1", "");
    CheckpointLayer layer = read.layer("bn1");
    assertThat(layer.dtype()).isEqualTo(dtype);
    // torch 2.15.0: torch.tensor(0.1, dtype=torch.float64).to(dtype).to(torch.float64)
    double tenth =
        switch (dtype) {
          case F64 -> 0.1;
          case F32 -> 0.10000000149011612;
          case F16 -> 0.0999755859375;
          default -> 0.10009765625;
        };
    assertThat(layer.mean()).containsExactly(tenth, -2);
    assertThat(layer.variance()).containsExactly(0.25, Double.NaN);
    assertThat(layer.gamma().orElseThrow()).containsExactly(1, 2);
    assertThat(layer.beta().orElseThrow()).containsExactly(2, 3);
    assertThat(layer.batchesTracked()).hasValue(7);
    assertThat(read.layer("").batchesTracked()).isEmpty();

    Map<String, String> metadata = new TreeMap<>(METADATA);
    metadata.put("format", "pt");
    assertThat(read.metadata()).isEqualTo(metadata);
    // Values that fit are not changed again.
    assertThat(SafetensorsCheckpoint.encode(read, dtype)).isEqualTo(file);
  }

  @Test
  void doubleIsRoundedToHalfOnceNotTwice() throws IOException {
    // Just above the middle of 1 and 1 + 2^-10; by way of a float it would become that middle, and
    // then the even neighbour, 1.
    double value = 1 + 0x1p-11 + 0x1p-30;
    CheckpointLayer layer = CheckpointLayer.of(DType.F64, new double[] {value}, new double[] {1e6});
    byte[] file =
        SafetensorsCheckpoint.encode(Checkpoint.of(Map.of("a", layer), Map.of()), DType.F16);
    CheckpointLayer read = SafetensorsCheckpoint.decode(ReadableBytes.of("x", file)).layer("a");
    assertThat(read.mean()).containsExactly(1 + 0x1p-10);
    assertThat(read.variance()).containsExactly(Double.POSITIVE_INFINITY);
  }

  @Test
  void tensorsAreAlignedToTheirElements() throws IOException {
    CheckpointLayer layer =
        CheckpointLayer.of(DType.F64, new double[3], new double[3]).withBatchesTracked(1);
    Checkpoint checkpoint = Checkpoint.of(Map.of("a", layer, "b", layer), Map.of());
    for (DType dtype : new DType[] {DType.F64, DType.F32, DType.F16, DType.BF16}) {
      byte[] file = SafetensorsCheckpoint.encode(checkpoint, dtype);
      SafetensorsHeader.read(ReadableBytes.of("x", file))
          .tensors()
          .forEach(tensor -> assertThat(tensor.offset() % tensor.dtype().bytes()).isZero());
    }
  }

  @Test
  void layerWithoutChannelsAndOneWithMoreThanOneReadAreKept() throws IOException {
    double[] many = new double[200_001];
    Arrays.setAll(many, i -> i);
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    layers.put("none", CheckpointLayer.of(DType.F64, new double[0], new double[0]));
    layers.put("many", CheckpointLayer.of(DType.F64, many, many));
    Checkpoint checkpoint = Checkpoint.of(layers, Map.of("format", "pt"));
    byte[] file = SafetensorsCheckpoint.encode(checkpoint, DType.F64);
    assertThat(SafetensorsCheckpoint.decode(ReadableBytes.of("x", file))).isEqualTo(checkpoint);
  }

  @Test
  void formatIsAlwaysThatOfTheNamesWritten() throws IOException {
    Checkpoint checkpoint = Checkpoint.of(checkpoint().layers(), Map.of("format", "tf"));
    byte[] file = SafetensorsCheckpoint.encode(checkpoint, DType.F32);
    assertThat(SafetensorsCheckpoint.decode(ReadableBytes.of("x", file)).metadata())
        .containsExactly(Map.entry("format", "pt"));
  }

  @ParameterizedTest
  @CsvSource({"I64", "U8"})
  void integersAreNoTypeForACheckpoint(DType dtype) {
    assertThatThrownBy(() -> SafetensorsCheckpoint.encode(checkpoint(), dtype))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("dtype " + dtype + " of a checkpoint must be a floating-point type");
  }

  @Test
  void checkpointWithoutLayersIsNotWritten() {
    assertThatThrownBy(
            () -> SafetensorsCheckpoint.encode(Checkpoint.of(Map.of(), Map.of()), DType.F32))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a checkpoint without layers");
  }

  @Test
  void everyTruncationAndExtensionIsRejected() {
    byte[] file = SafetensorsCheckpoint.encode(checkpoint(), DType.F32);
    for (int length = 0; length <= file.length + 20; length++) {
      if (length != file.length) {
        byte[] other = Arrays.copyOf(file, length);
        assertThatThrownBy(() -> SafetensorsCheckpoint.decode(ReadableBytes.of("x", other)))
            .as("%d of %d bytes", length, file.length)
            .isInstanceOf(MalformedFileException.class)
            .hasMessageStartingWith("x at byte ");
      }
    }
  }

  /**
   * safetensors has no checksum. A flipped bit in the data gives other values; one in the header
   * can give another name, other metadata or, white space for white space, the same header. What it
   * cannot do is to pass for tensors that lie elsewhere or are of another size.
   */
  @Test
  void everyFlippedBitOfTheHeaderIsRejectedOrLeavesTheTensorsWhereTheyWere() throws IOException {
    byte[] file = SafetensorsCheckpoint.encode(checkpoint(), DType.F32);
    SafetensorsHeader original = SafetensorsHeader.read(ReadableBytes.of("x", file));
    int rejected = 0;
    for (int bit = 0; bit < 8 * original.dataOffset(); bit++) {
      byte[] flipped = file.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      try {
        SafetensorsHeader header = SafetensorsHeader.read(ReadableBytes.of("x", flipped));
        assertThat(header.tensors()).hasSameSizeAs(original.tensors());
        for (int i = 0; i < header.tensors().size(); i++) {
          assertThat(header.tensors().get(i))
              .usingRecursiveComparison()
              .ignoringFields("name", "dtype")
              .isEqualTo(original.tensors().get(i));
          assertThat(header.tensors().get(i).dtype().bytes())
              .isEqualTo(original.tensors().get(i).dtype().bytes());
        }
      } catch (MalformedFileException e) {
        rejected++;
      }
    }
    assertThat(rejected).isGreaterThan((int) (4 * original.dataOffset()));
  }

  private static Checkpoint checkpoint() {
    Map<String, CheckpointLayer> layers = new LinkedHashMap<>();
    layers.put(
        "bn1",
        CheckpointLayer.of(DType.F64, new double[] {0.1, -2}, new double[] {0.25, Double.NaN})
            .withGamma(new double[] {1, 2})
            .withBeta(new double[] {2, 3})
            .withBatchesTracked(7));
    layers.put("", CheckpointLayer.of(DType.F64, new double[] {3}, new double[] {4}));
    return Checkpoint.of(layers, METADATA);
  }
}
