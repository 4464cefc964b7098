package org.sparkbatchnorm.format.hdf5;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.format.ReadableBytes;
import org.sparkbatchnorm.tensor.DType;

/** Files in every form that h5py writes; what is expected is what h5py itself sees in them. */
class Hdf5FileTest {
  private static final Set<String> NAME = Set.of("name");

  private static Hdf5File read(String name) throws IOException {
    return Hdf5File.read(Golden.file(name), NAME);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tree-old.h5",
        "tree-new.h5",
        "tree-latest.h5",
        "tree-ordered.h5",
        "many-old.h5",
        "many-new.h5",
        "many-ordered.h5",
        "user-block.h5"
      })
  void everyGroupAndDatasetIsAsH5pySeesIt(String name) throws IOException {
    JsonNode expected =
        new ObjectMapper().readTree(Golden.FOLDER.resolve("expected.json").toFile());
    JsonNode file = expected.get("files").get(name);
    Hdf5File found = read(name);
    assertThat(found.groups())
        .extracting(Hdf5Group::path)
        .containsExactlyInAnyOrderElementsOf(() -> file.get("groups").fieldNames());
    for (Hdf5Group group : found.groups()) {
      JsonNode text = file.get("groups").get(group.path());
      assertThat(group.attributes().getOrDefault("name", ""))
          .as(group.path())
          .isEqualTo(text.asText(""));
    }
    assertThat(found.datasets())
        .extracting(Hdf5Dataset::path)
        .containsExactlyInAnyOrderElementsOf(() -> file.get("datasets").fieldNames());
    for (Hdf5Dataset dataset : found.datasets()) {
      requireAsSeen(dataset, file.get("datasets").get(dataset.path()));
    }
  }

  private static void requireAsSeen(Hdf5Dataset dataset, JsonNode seen) {
    String type = seen.get("dtype").asText();
    boolean number = type.matches("[<>|][fiu].*") && !type.endsWith("u8");
    assertThat(dataset.dtype().map(Hdf5FileTest::word))
        .as(dataset.path())
        .isEqualTo(number ? Optional.of(type.substring(1)) : Optional.empty());
    if (type.charAt(0) != '|') {
      assertThat(dataset.order())
          .isEqualTo(type.charAt(0) == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    }
    assertThat(dataset.isOpaque()).isEqualTo(dataset.path().equals("types/opaque"));
    assertThat(dataset.shape().dimensions())
        .isEqualTo(
            StreamSupport.stream(seen.get("shape").spliterator(), false)
                .mapToLong(JsonNode::asLong)
                .toArray());
    String layout = seen.get("layout").asText();
    boolean unwritten = layout.equals("CONTIGUOUS") && seen.get("stored").asLong() == 0;
    assertThat(dataset.storage())
        .as(dataset.path())
        .isEqualTo(unwritten ? Hdf5Storage.UNWRITTEN : Hdf5Storage.valueOf(layout));
    if (dataset.storage() == Hdf5Storage.CONTIGUOUS) {
      assertThat(dataset.offset()).isEqualTo(seen.get("offset").asLong());
      assertThat(dataset.bytes()).isEqualTo(seen.get("stored").asLong());
    }
  }

  /** As numpy writes it. */
  private static String word(DType dtype) {
    char kind = dtype.isFloating() ? 'f' : dtype.name().charAt(0) == 'U' ? 'u' : 'i';
    return kind + Integer.toString(dtype.bytes());
  }

  @ParameterizedTest
  @ValueSource(strings = {"tree-old.h5", "tree-latest.h5"})
  void namesThatEndInNumbersAreInTheOrderOfTheNumbers(String name) throws IOException {
    assertThat(read(name).groups())
        .extracting(Hdf5Group::path)
        .filteredOn(path -> path.startsWith("names/l"))
        .containsExactly(
            "names/layer",
            "names/layer_1",
            "names/layer_2",
            "names/layer_9",
            "names/layer_10",
            "names/layer_100");
    List<String> names =
        new ArrayList<>(List.of("a10", "a", "a01", "a1", "a9b2", "a9b", "b", "a9b10", "a9"));
    names.sort(NumberedNames.ORDER);
    assertThat(names).containsExactly("a", "a01", "a1", "a9", "a9b", "a9b2", "a9b10", "a10", "b");
  }

  @Test
  void elementsStandWhereTheDatasetSays() throws IOException {
    for (String name : List.of("user-block.h5", "tree-latest.h5")) {
      ReadableBytes file = Golden.file(name);
      String path = name.startsWith("user") ? "d" : "shapes/compact";
      Hdf5Dataset dataset =
          read(name).datasets().stream()
              .filter(any -> any.path().equals(path))
              .findFirst()
              .orElseThrow();
      byte[] bytes = new byte[(int) dataset.bytes()];
      file.readFully(dataset.offset(), bytes, 0, bytes.length);
      float[] values = new float[bytes.length / 4];
      ByteBuffer.wrap(bytes).order(dataset.order()).asFloatBuffer().get(values);
      assertThat(values)
          .isEqualTo(name.startsWith("user") ? new float[] {0, 1, 2, 3} : new float[] {1, 2, 3});
    }
  }

  @Test
  void onlyAttributesAskedForAreKept() throws IOException {
    Hdf5File file = Hdf5File.read(Golden.file("tree-old.h5"), Set.of("other"));
    assertThat(file.groups())
        .filteredOn(group -> !group.attributes().isEmpty())
        .singleElement()
        .satisfies(
            group -> {
              assertThat(group.path()).isEqualTo("names/layer");
              // There, but no text.
              assertThat(group.attributes()).containsOnlyKeys("other").containsValue("");
            });
  }

  @Test
  void bytesAfterTheEndAreNoneOfTheFiles() throws IOException {
    byte[] bytes = Golden.bytes("user-block.h5");
    Hdf5File longer =
        Hdf5File.read(ReadableBytes.of("longer", Arrays.copyOf(bytes, bytes.length + 9)), Set.of());
    assertThat(longer.datasets()).isEqualTo(read("user-block.h5").datasets());
    assertThat(longer.datasets().get(0).offset()).isNotEqualTo(MalformedFileException.NO_OFFSET);
  }
}
